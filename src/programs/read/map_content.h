#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bpftally {

// What was in a map, or in a piece of it, at one moment: raw bytes, entry after entry. Plain data.
struct MapContent {
  size_t key_size = 0;
  size_t value_size = 0;  // of one CPU's value; of per-CPU types rounded up to 8, as it lies
  size_t cpus = 1;        // possible CPUs for per-CPU types, else 1
  std::vector<std::byte> keys;
  std::vector<std::byte> values;  // entry after entry, in it CPU after CPU, each value_size bytes

  size_t count() const { return key_size == 0 ? 0 : keys.size() / key_size; }
  std::span<const std::byte> Key(size_t entry) const {
    return std::span(keys).subspan(entry * key_size, key_size);
  }
  std::span<const std::byte> Value(size_t entry, size_t cpu = 0) const {
    return std::span(values).subspan((entry * cpus + cpu) * value_size, value_size);
  }
};

}  // namespace bpftally
