#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "programs/map_reader.h"
#include "programs/metric_evaluator.h"

namespace bpftally {

// Reads a map once for several metrics, whose evaluators are started. Each fares by itself: an
// entry that one cannot understand fails no other.
std::vector<Result<Evaluated>> ReadTogether(MapReader& reader, const LoadedMap& map,
                                            std::chrono::steady_clock::time_point deadline,
                                            std::span<MetricEvaluator* const> evaluators);

}  // namespace bpftally
