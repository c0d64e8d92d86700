#pragma once

#include <cstdint>
#include <vector>

#include "model/metric_batch.h"

namespace bpftally {

// Returns the increase of a counter since `before`, or all of `now` if it fell: then it was reset.
// Integers stay exact.
Number Increase(const Number& now, const Number& before);

// Does the same for a histogram, which also counts as reset if its bucket bounds changed. `counts`
// stores the bucket counts of the result.
HistogramSample Increase(const HistogramSample& now, const HistogramSample& before,
                         std::vector<uint64_t>& counts);

}  // namespace bpftally
