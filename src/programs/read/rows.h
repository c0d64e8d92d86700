#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace bpftally {

inline std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// One row as it lies in memory.
struct Row {
  std::string_view key;    // empty if the row is an event or an iterator's record
  std::string_view value;  // value on one CPU
  uint16_t cpu = 0;
};

// Views a batch of rows: entries of a map, events, or records of an iterator. The reader owns the
// bytes, which are valid only during the call.
struct Rows {
  size_t count = 0;
  size_t key_size = 0;
  size_t value_size = 0;  // of one CPU's value; for per-CPU types rounded up to 8, as in memory
  size_t cpus = 1;        // possible CPUs for per-CPU types, else 1
  std::span<const std::byte> keys;
  std::span<const std::byte> values;  // row after row, within each CPU after CPU

  // Returns the key of a row. `row` must be below count, `cpu` below cpus: unchecked, as this is
  // called millions of times.
  std::string_view Key(size_t row) const {
    return {AsText(keys).data() + row * key_size, key_size};
  }
  std::string_view Value(size_t row, size_t cpu = 0) const {
    return {AsText(values).data() + (row * cpus + cpu) * value_size, value_size};
  }
  Row At(size_t row, size_t cpu = 0) const {
    return {Key(row), Value(row, cpu), static_cast<uint16_t>(cpu)};
  }
};

// Makes a row of a record, which has no key: all of its bytes are the value.
inline Rows RowOf(std::span<const std::byte> record) {
  return {.count = 1, .value_size = record.size(), .keys = {}, .values = record};
}

// Owns the bytes of a batch.
struct RowBuffer {
  size_t key_size = 0;
  size_t value_size = 0;
  size_t cpus = 1;
  std::vector<std::byte> keys;
  std::vector<std::byte> values;

  size_t row_bytes() const { return value_size * cpus; }  // size of its values
  size_t count() const {
    if (key_size > 0) return keys.size() / key_size;
    return row_bytes() == 0 ? 0 : values.size() / row_bytes();
  }
  Rows rows() const {
    return {.count = count(),
            .key_size = key_size,
            .value_size = value_size,
            .cpus = cpus,
            .keys = keys,
            .values = values};
  }
};

}  // namespace bpftally
