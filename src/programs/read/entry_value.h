#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "programs/plan/plan.h"
#include "programs/read/map_content.h"

namespace bpftally {

// The number at `field` of one CPU's value as programs write it: up to 64 bits, of the host's
// order.
inline uint64_t EntryValue(const MapContent& content, size_t entry, size_t cpu, FieldPlan field) {
  uint64_t value = 0;
  const auto bytes = content.Value(entry, cpu);
  if (field.offset < bytes.size()) {
    const size_t size = std::min<size_t>({field.size, bytes.size() - field.offset, sizeof value});
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
