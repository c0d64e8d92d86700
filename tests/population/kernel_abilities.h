#pragma once

#include <linux/bpf.h>

#include <string>

namespace bpftally {

// Tells by its BTF whether the running kernel has a function of that name. Distinguishes a feature
// that is configured out from one that must work.
bool KernelHasFunction(const std::string& name);

// Compares the version, for features that no function name reveals.
bool KernelIsAtLeast(int major, int minor);

// Tells whether lockdown=confidentiality is on: then tracefs is empty, and kprobes cannot be
// attached.
bool KernelIsConfidential();

// Tells whether an iterator may follow any pointer. Before 6.2 that takes a helper which
// lockdown=confidentiality forbids.
bool IteratorsReadAll();

// Tells whether the kernel can load the type at all, by libbpf's own probes.
bool KernelHasProgramType(bpf_prog_type type);
bool KernelHasMapType(bpf_map_type type);

// Mounts the file system at its usual place, unless something is mounted there.
bool EnsureMounted(const char* type, const char* path);

}  // namespace bpftally
