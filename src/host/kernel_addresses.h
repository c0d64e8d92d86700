#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/error.h"

namespace bpftally {

using KernelAddresses = std::map<std::string, uint64_t>;

// Finds the addresses of symbols of the kernel and its modules in a file like /proc/kallsyms. An
// error names every symbol that is not there.
Result<KernelAddresses> FindKernelAddresses(std::span<const std::string> symbols,
                                            const std::string& kallsyms);

}  // namespace bpftally
