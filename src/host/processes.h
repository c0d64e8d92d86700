#pragma once

#include "model/snapshot.h"

namespace bpftally {

class BpfSys;

// What /proc/self says of this process, with the names that Prometheus's client libraries use.
// `boot_to_wall_ns` is the offset that turns a time since boot into one since the epoch.
ProcessInfo ReadProcessInfo(BpfSys& sys, int64_t boot_to_wall_ns);

}  // namespace bpftally
