#pragma once

#include <string>

#include "base/error.h"

namespace bpftally {

// Finds where cgroup v2 is mounted; /sys/fs/cgroup if it is there. `mounts`: a file like
// /proc/self/mounts.
Result<std::string> FindCgroupRoot(const std::string& mounts);

}  // namespace bpftally
