#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace bpftally {

template <typename Number>
uint64_t Load(std::string_view bytes) {
  Number number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

// Loads an unsigned number in host byte order; empty for sizes that no number has.
inline std::optional<uint64_t> LoadUint(std::string_view bytes) {
  switch (bytes.size()) {
    case sizeof(uint8_t):
      return Load<uint8_t>(bytes);
    case sizeof(uint16_t):
      return Load<uint16_t>(bytes);
    case sizeof(uint32_t):
      return Load<uint32_t>(bytes);
    case sizeof(uint64_t):
      return Load<uint64_t>(bytes);
    default:
      return std::nullopt;
  }
}

}  // namespace bpftally
