#pragma once

#include "model/snapshot.h"

namespace bpftally {

class BpfSys;

// Reads the facts about this process from /proc/self that Prometheus's client libraries publish.
// `boot_to_wall_ns` is the offset that turns a time since boot into one since the epoch.
ProcessInfo ReadProcessInfo(BpfSys& sys, int64_t boot_to_wall_ns);

}  // namespace bpftally
