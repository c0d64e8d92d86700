#pragma once

#include <cstdint>
#include <vector>

#include "model/metric_batch.h"

namespace bpftally {

// What a counter has grown by since it was told; the whole of it if it fell, since then it began
// anew. Integers exactly.
Number Increase(const Number& now, const Number& told);

// The same of a histogram, also begun anew where its buckets are others. `counts` holds the
// result's.
HistogramSample Increase(const HistogramSample& now, const HistogramSample& told,
                         std::vector<uint64_t>& counts);

}  // namespace bpftally
