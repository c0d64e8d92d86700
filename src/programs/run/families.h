#pragma once

#include <span>
#include <string_view>

#include "model/metric_batch.h"
#include "programs/run/instance_status.h"

namespace bpftally {

// Name by which collect[] selects the metric programs.
inline constexpr std::string_view kMetricPrograms = "metric-programs";

// Adds the families about metric programs under the names of each one's own format.
void AddSelfFamilies(std::span<const InstanceStatus> programs, bool run_stats, MetricBatch& batch);

// Adds the families about all metric programs under our names.
void AddProgramFamilies(std::span<const InstanceStatus> programs, MetricBatch& batch);

}  // namespace bpftally
