#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "programs/map_content.h"
#include "programs/plan.h"

namespace bpftally {

template <typename Number>
uint64_t Load(std::string_view bytes) {
  Number number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

// An unsigned number of the host's order; nothing where no number has so many bytes.
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

// The number at `field` of one CPU's value as programs write it: up to 64 bits, of the host's
// order.
inline uint64_t EntryValue(const MapContent& content, size_t entry, size_t cpu, FieldPlan field) {
  uint64_t value = 0;
  const auto bytes = content.Value(entry, cpu);
  if (field.offset < bytes.size()) {
    const size_t size = std::min({field.size, bytes.size() - field.offset, sizeof value});
    if (size == sizeof value) {  // nearly always; one instruction, and not a call
      std::memcpy(&value, bytes.data() + field.offset, sizeof value);
    } else {
      std::memcpy(&value, bytes.data() + field.offset, size);
    }
  }
  return value;
}

inline std::string_view EntryKey(const MapContent& content, size_t entry) {
  const auto key = content.Key(entry);
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

}  // namespace bpftally
