// The baseline of turning a map into metrics: reads it in batches and formats the bare lines.
#pragma once

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace bpftally::bench {

constexpr uint32_t kBatch = 4096;

struct Key {
  uint32_t zone = 0;
  uint32_t area = 0;
};

struct BareMap {
  int fd = -1;
  size_t cpus = 1;  // number of values in an entry
};

[[noreturn]] inline void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline int Checked(int fd, const char* what) {
  if (fd < 0) Die(what);
  return fd;
}

inline BareMap MakeMap(bpf_map_type type, uint32_t entries, size_t cpus) {
  const int fd = bpf_map_create(type, "bench", sizeof(Key), sizeof(uint64_t), entries, nullptr);
  return {Checked(fd, "BPF_MAP_CREATE"), type == BPF_MAP_TYPE_PERCPU_HASH ? cpus : 1};
}

// Fills the map with entries of 100 zones, up to its limit. Keeps all sums below 100,000: from
// there on the exporter formats some numbers as Go does, which differs from std::to_chars().
inline void Fill(const BareMap& map, uint32_t entries) {
  std::vector<Key> keys;
  std::vector<uint64_t> values;
  for (uint32_t i = 0; i < entries; ++i) {
    keys.push_back({i % 100, i});
    values.push_back(uint64_t{i} * 7 % 99'991);
    values.insert(values.end(), map.cpus - 1, 0);
    if (keys.size() < kBatch && i + 1 < entries) continue;
    auto count = static_cast<uint32_t>(keys.size());
    if (bpf_map_update_batch(map.fd, keys.data(), values.data(), &count, nullptr) != 0)
      Die("BPF_MAP_UPDATE_BATCH");
    keys.clear();
    values.clear();
  }
}

// Makes the bare system calls, into memory that is already allocated.
template <typename Visit>
void ReadInBatches(const BareMap& map, Visit visit) {
  static std::vector<Key> keys(kBatch);
  static std::vector<uint64_t> values;
  values.resize(kBatch * map.cpus);
  uint32_t cursor = 0;
  bool first = true;
  for (int failed = 0; failed == 0; first = false) {
    uint32_t count = kBatch;
    failed = bpf_map_lookup_batch(map.fd, first ? nullptr : &cursor, &cursor, keys.data(),
                                  values.data(), &count, nullptr);
    if (failed != 0 && errno != ENOENT) Die("BPF_MAP_LOOKUP_BATCH");
    visit(std::span<const Key>(keys).first(count), std::span<const uint64_t>(values));
  }
}

inline char* Spell(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

// Formats the lines of the entries in the order in which they are stored.
inline std::string_view SpellLines(std::span<const Key> keys, std::span<const uint64_t> values,
                                   size_t cpus) {
  constexpr size_t kLine = 128;
  static std::vector<char> text(kBatch * kLine);
  char* at = text.data();
  for (size_t i = 0; i < keys.size(); ++i) {
    double sum = 0;
    for (size_t cpu = 0; cpu < cpus; ++cpu) sum += static_cast<double>(values[i * cpus + cpu]);
    at = Spell(at, "ebpf_exporter_bench_entries_total{area=\"");
    at = std::to_chars(at, at + kLine, keys[i].area).ptr;
    at = Spell(at, "\",zone=\"");
    at = std::to_chars(at, at + kLine, keys[i].zone).ptr;
    at = Spell(at, "\"} ");
    at = std::to_chars(at, at + kLine, sum).ptr;
    at = Spell(at, "\n");
  }
  return {text.data(), static_cast<size_t>(at - text.data())};
}

}  // namespace bpftally::bench
