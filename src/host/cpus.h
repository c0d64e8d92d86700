#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bpftally {

// The kernel's lists of CPUs: "0-3,8".
Result<std::vector<int>> ParseCpuList(std::string_view text);

// Ascending CPUs in that form.
std::string CpuList(std::span<const int> cpus);

Result<std::vector<int>> OnlineCpus();

}  // namespace bpftally
