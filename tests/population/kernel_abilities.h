#pragma once

#include <linux/bpf.h>

#include <string>

namespace bpftally {

// Whether the running kernel was built with a function of that name, by its BTF. This tells a
// feature that is configured out from one that must work.
bool KernelHasFunction(const std::string& name);

// For what a kernel does without a function that tells it.
bool KernelIsAtLeast(int major, int minor);

// Whether lockdown=confidentiality is on: tracefs is empty, and nobody attaches to kprobes.
bool KernelIsConfidential();

// Whether an iterator may read wherever pointers lead. Before 6.2 that takes a helper which
// lockdown=confidentiality forbids.
bool IteratorsReadAll();

// Whether the kernel can load the type at all, by libbpf's own probes.
bool KernelHasProgramType(bpf_prog_type type);
bool KernelHasMapType(bpf_map_type type);

// Mounts the file system at its usual place unless something is mounted there.
bool EnsureMounted(const char* type, const char* path);

}  // namespace bpftally
