#pragma once

#include <span>
#include <string_view>

#include "model/metric_batch.h"
#include "programs/run/instance_status.h"

namespace bpftally {

// What collect[] selects the metric programs by.
inline constexpr std::string_view kMetricPrograms = "metric-programs";

// The families that tell of metric programs under the names of each one's own dialect.
void AddSelfFamilies(std::span<const InstanceStatus> programs, bool run_stats, MetricBatch& batch);

// Those that tell of all of them under names of ours.
void AddProgramFamilies(std::span<const InstanceStatus> programs, MetricBatch& batch);

}  // namespace bpftally
