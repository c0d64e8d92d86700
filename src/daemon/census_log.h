#pragma once

#include "daemon/poller.h"

namespace bpftally {

// Logs what a poll found, by which source, and which features this kernel or our privileges lack.
void LogCensus(const PollResult& result);

}  // namespace bpftally
