#pragma once

// Reads BPF_OBJ_GET_INFO_BY_FD, with a check for fields that an old kernel leaves out, and fdinfo.

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kernel/bpf_sys.h"

namespace bpftally {

// Lets the kernel fill `info`, which may hold input pointers. Returns the number of bytes that this
// kernel knows.
template <typename Info>
Result<size_t> GetInfo(BpfSys& sys, int fd, Info& info) {
  return sys.ObjectInfo(fd, std::as_writable_bytes(std::span(&info, 1)));
}

// Tests whether the kernel filled `member` of an info struct of which it gave `known` bytes.
#define BPFTALLY_HAS_FIELD(Info, member, known) \
  ((known) >= offsetof(Info, member) + sizeof(Info::member))

// Returns the number of a "key:\tnumber" line of /proc/self/fdinfo/*.
std::optional<uint64_t> FdInfoNumber(std::string_view fdinfo, std::string_view key);

// Reads the raw bytes of a BTF object that is open as `fd`.
Result<std::vector<std::byte>> ReadBtfData(BpfSys& sys, int fd);

}  // namespace bpftally
