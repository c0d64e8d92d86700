#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kernel/bpf_sys.h"

namespace bpftally {

// Parses the kernel's form of a set of CPUs, "0-3,8", with or without a newline at its end.
Result<std::vector<int>> ParseCpuList(std::string_view text);

// Formats ascending CPUs in that form.
std::string CpuList(std::span<const int> cpus);

Result<std::vector<int>> OnlineCpus();

// Number of CPUs that the kernel has room for: an entry of a per-CPU map has that many values.
Result<size_t> PossibleCpus(BpfSys& sys);

}  // namespace bpftally
