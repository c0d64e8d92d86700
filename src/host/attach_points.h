#pragma once

// What BPF programs attach to on this host: each is opened here, and attaching is the caller's.

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"

namespace bpftally {

// A counter of perf_event_open(2) that calls its program every so often.
struct PerfEventTarget {
  uint32_t type = 0;       // PERF_TYPE_*
  uint64_t config = 0;     // PERF_COUNT_*
  uint64_t every = 0;      // a sample so often
  bool frequency = false;  // `every` is a number a second, else one of events
};

// All processes on this CPU. Not open, with errno: the kernel refused.
UniqueFd OpenPerfEvent(const PerfEventTarget& target, int cpu);

// Of this thread's network namespace; 0: there is none of that name.
uint32_t InterfaceIndex(const std::string& name);

// This thread's, as interfaces are looked up in it.
Result<UniqueFd> OpenNetworkNamespace();

Result<UniqueFd> OpenDirectory(const std::string& path);

// A directory's inode number, which for a control group is its id. Empty descriptors have none.
Result<uint64_t> InodeOf(const UniqueFd& directory);

// Whether a path is there; true also where we may not look into its directory.
bool MayExist(const std::string& path);

// lockdown=confidentiality leaves tracefs mounted and empty.
bool IsTracefsMounted();

bool IsRoot();  // of this user namespace

}  // namespace bpftally
