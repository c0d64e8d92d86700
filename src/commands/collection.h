#pragma once

// What the commands that take a census have in common.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "collect/collector_set.h"
#include "daemon/control.h"
#include "daemon/metric_programs.h"
#include "daemon/snapshot_source.h"
#include "export/otlp/otlp_pusher.h"
#include "settings/option_row.h"
#include "settings/options.h"

namespace bpftally {

// How long a command that polls once waits for the kernel.
inline constexpr std::chrono::seconds kPatience{30};

// The kernel, or with --replay a file.
Result<std::unique_ptr<SnapshotSource>> OpenSource(const Options& options, const Clock& clock);

// The same for a reader: "the kernel of this host".
std::string DescribeSource(const Options& options);

// The collectors that the options leave on. `programs`, `pusher` and `control` may be null; all
// must outlive the set.
std::unique_ptr<CollectorSet> EnabledCollectors(const Options& options, const Clock& clock,
                                                MetricPrograms* programs,
                                                const OtlpPusher* pusher = nullptr,
                                                const Control* control = nullptr);

// The options of a command that collects: census, collectors and metric programs.
std::vector<OptionRow> CollectionRows();

}  // namespace bpftally
