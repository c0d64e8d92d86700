#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "model/metric_batch.h"

namespace bpftally {

// Converts a batch to prometheus-cpp's families, for programs that embed us behind a
// prometheus::Collectable. Integers become doubles (exact up to 2^53); start times are lost.
std::vector<prometheus::MetricFamily> ToPrometheusFamilies(const MetricBatch& batch);

}  // namespace bpftally
