#pragma once

// Reads the host's lists of names into tables. Where several numbers identify an entry, they form
// one key.

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "host/name_table.h"

namespace bpftally {

// Reads /proc/kallsyms from its start, whatever was read from `fd` before. Names of modules'
// symbols keep "\t[module]". Fails with kPermission if the kernel hides the addresses.
Result<NameTable> ReadKernelSymbols(int fd);

constexpr uint64_t PartitionKey(uint32_t major, uint32_t minor) {
  return uint64_t{major} << 32 | minor;
}
Result<NameTable> ReadPartitions(const std::string& path);  // /proc/partitions

enum class PciKind : uint64_t { kVendor, kDevice, kClass, kSubclass };
// Makes a key: the `id` of a device is vendor << 16 | device, that of a subclass class << 8 |
// subclass.
constexpr uint64_t PciKey(PciKind kind, uint32_t id) {
  return static_cast<uint64_t>(kind) << 32 | id;
}
// Reads the first of `paths` that can be read.
Result<NameTable> ReadPciIds(const std::vector<std::string>& paths);

}  // namespace bpftally
