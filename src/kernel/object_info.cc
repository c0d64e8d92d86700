#include "kernel/object_info.h"

#include <charconv>

namespace bpftally {

std::optional<uint64_t> FdInfoNumber(std::string_view fdinfo, std::string_view key) {
  while (!fdinfo.empty()) {
    const size_t end = std::min(fdinfo.find('\n'), fdinfo.size());
    std::string_view line = fdinfo.substr(0, end);
    fdinfo.remove_prefix(std::min(end + 1, fdinfo.size()));
    if (!line.starts_with(key) || !line.substr(key.size()).starts_with(":\t")) continue;
    line.remove_prefix(key.size() + 2);
    uint64_t number = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), number).ec == std::errc())
      return number;
  }
  return std::nullopt;
}

Result<std::vector<std::byte>> ReadBtfData(BpfSys& sys, int fd) {
  bpf_btf_info info{};
  if (const auto known = GetInfo(sys, fd, info); !known) return std::unexpected(known.error());
  std::vector<std::byte> data(info.btf_size);
  info = {};
  info.btf = reinterpret_cast<uintptr_t>(data.data());
  info.btf_size = static_cast<uint32_t>(data.size());
  if (const auto known = GetInfo(sys, fd, info); !known) return std::unexpected(known.error());
  return data;
}

}  // namespace bpftally
