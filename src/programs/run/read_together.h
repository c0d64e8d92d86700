#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "kernel/map_handle.h"
#include "programs/evaluate/metric_evaluator.h"
#include "programs/read/map_reader.h"

namespace bpftally {

// Reads a map once for several metrics, whose evaluators are started. Each fares by itself: an
// entry that one cannot understand fails no other.
std::vector<Result<Evaluated>> ReadTogether(MapReader& reader, const MapHandle& map,
                                            std::chrono::steady_clock::time_point deadline,
                                            std::span<MetricEvaluator* const> evaluators);

}  // namespace bpftally
