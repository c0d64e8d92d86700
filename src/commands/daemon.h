#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "collect/collector.h"
#include "daemon/exit_status.h"
#include "daemon/snapshot_source.h"
#include "settings/options.h"

namespace bpftally {

// The commands. An error is why one could not begin; once begun, they say how it went.

// Serves until SIGTERM or SIGINT.
Result<ExitStatus> Run(const Options& options, const Clock& clock);

// One collection to standard output; success means that no collector failed.
Result<ExitStatus> PrintMetrics(const Options& options, const Clock& clock);

// The snapshot to standard output; success means that it is whole.
Result<ExitStatus> Dump(const Options& options, const Clock& clock);

// What is wrong with configurations of metric programs to standard output; success means nothing.
Result<ExitStatus> Check(const Options& options);

// The metric programs that come with bpftally, to standard output.
Result<ExitStatus> ListPrograms(const Options& options);

}  // namespace bpftally
