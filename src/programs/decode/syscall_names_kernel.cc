// Names from the kernel's headers, for every architecture without a table of its own.

#include <asm/unistd.h>

#include <algorithm>
#include <array>

#include "programs/decode/syscall_names.h"

namespace bpftally {
namespace {

constexpr auto kNames = [] {
  auto names = std::to_array<NumberName>({
#include "kernel_syscalls.inc"  // made by CMake: {__NR_read, "read"}, …
  });
  std::ranges::sort(names, {}, &NumberName::number);
  return names;
}();

}  // namespace

std::span<const NumberName> SyscallNames() { return kNames; }

}  // namespace bpftally
