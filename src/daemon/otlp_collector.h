#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "collect/collector.h"
#include "export/otlp/otlp_pusher.h"

namespace bpftally {

// Collects metrics about the pushes. `stats` is called on the poller's thread.
std::unique_ptr<Collector> MakeOtlpCollector(std::function<std::vector<OtlpEndpointStats>()> stats);

}  // namespace bpftally
