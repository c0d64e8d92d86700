#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "model/metric_batch.h"
#include "programs/run/program_runner.h"

namespace bpftally {

// What collect[] selects the metric programs by.
inline constexpr std::string_view kMetricPrograms = "metric-programs";

// What ebpf_exporter tells of itself, under its names.
void AddExporterFamilies(const std::vector<std::unique_ptr<RunningProgram>>& programs,
                         bool run_stats, MetricBatch& batch);

// What we tell beside it.
void AddRunnerFamilies(const std::vector<std::unique_ptr<RunningProgram>>& programs,
                       MetricBatch& batch);

}  // namespace bpftally
