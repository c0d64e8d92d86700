#pragma once

// Opens what BPF programs attach to on this host; the caller attaches them.

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"

namespace bpftally {

// Describes a counter of perf_event_open(2) that calls its program at regular intervals.
struct PerfEventTarget {
  uint32_t type = 0;       // PERF_TYPE_*
  uint64_t config = 0;     // PERF_COUNT_*
  uint64_t every = 0;      // a period or a rate
  bool frequency = false;  // true: `every` is samples a second; false: events between two samples
};

// Opens the event for all processes on this CPU. The result is not open, and errno is set, if the
// kernel refuses.
UniqueFd OpenPerfEvent(const PerfEventTarget& target, int cpu);

// Returns the index of an interface in this thread's network namespace, or 0 if none has that name.
uint32_t InterfaceIndex(const std::string& name);

// Opens this thread's network namespace, in which interfaces are looked up.
Result<UniqueFd> OpenNetworkNamespace();

Result<UniqueFd> OpenDirectory(const std::string& path);

// Returns a directory's inode number, which for a control group is its id. Empty descriptors have
// none.
Result<uint64_t> InodeOf(const UniqueFd& directory);

// Returns whether a path exists; true also if we may not search its directory.
bool MayExist(const std::string& path);

// Returns whether tracefs is mounted: lockdown=confidentiality leaves it mounted and empty.
bool IsTracefsMounted();

bool IsRoot();  // in this user namespace

}  // namespace bpftally
