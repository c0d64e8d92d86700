#pragma once

#include "daemon/poller.h"

namespace bpftally {

// Logs what a look found, by which source, and what this kernel or our privileges do not give.
void LogCensus(const PollResult& result);

}  // namespace bpftally
