#include "model/map_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bpftally {
namespace {

using testing::ElementsAre;

constexpr uint32_t kNewest = 64;  // beyond the newest type

std::vector<std::string> TypesWith(bool MapType::* trait) {
  std::vector<std::string> names;
  for (uint32_t type = 0; type < kNewest; ++type) {
    const MapType& row = MapTypeOf(type);
    if (row.*trait && !row.name.empty()) names.emplace_back(row.name);
  }
  return names;
}

TEST(MapTypes, ArraysHaveAllEntriesFromTheStart) {
  EXPECT_THAT(TypesWith(&MapType::is_array), ElementsAre("array", "percpu_array"));
}

// The walk over maps and the reader of metric programs had lists of their own, which disagreed:
// the kernel keeps a hash of maps in the same table as the others (htab_of_maps_map_ops).
TEST(MapTypes, HashesAreWhatTheKernelKeepsInAnHtab) {
  EXPECT_THAT(TypesWith(&MapType::is_hash),
              ElementsAre("hash", "percpu_hash", "lru_hash", "lru_percpu_hash", "hash_of_maps"));
}

// As bpf_map_value_size() of the kernel: what is copied for an entry of these is a value a CPU.
TEST(MapTypes, PerCpuTypesAreThoseOfTheKernelsCopy) {
  EXPECT_THAT(
      TypesWith(&MapType::is_per_cpu),
      ElementsAre("percpu_hash", "percpu_array", "lru_percpu_hash", "percpu_cgroup_storage"));
}

TEST(MapTypes, BuffersOfEventsComeFromTheKernel) {
  EXPECT_THAT(TypesWith(&MapType::is_event_buffer), ElementsAre("perf_event_array", "ringbuf"));
  EXPECT_THAT(TypesWith(&MapType::is_ring_buffer), ElementsAre("ringbuf", "user_ringbuf"));
}

TEST(MapTypes, MetricsAreReadFromHashesArraysAndTries) {
  EXPECT_THAT(TypesWith(&MapType::can_hold_metrics),
              ElementsAre("hash", "array", "percpu_hash", "percpu_array", "lru_hash",
                          "lru_percpu_hash", "lpm_trie"));
}

TEST(MapTypes, CountableKeysComeAndGo) {
  EXPECT_THAT(TypesWith(&MapType::has_countable_keys),
              ElementsAre("hash", "percpu_hash", "lru_hash", "lru_percpu_hash", "lpm_trie",
                          "hash_of_maps", "sockhash", "devmap_hash", "rhash"));
}

TEST(MapTypes, MemoryOfUnknownTypesMayVary) {
  EXPECT_THAT(
      TypesWith(&MapType::has_varying_memory),
      ElementsAre("lpm_trie", "devmap", "sockhash", "devmap_hash", "arena", "insn_array", "rhash"));
  const MapType& unknown = MapTypeOf(0xFFFFFFFF);
  EXPECT_EQ(unknown.name, "");
  EXPECT_TRUE(unknown.has_varying_memory);
  EXPECT_FALSE(unknown.is_hash || unknown.is_array || unknown.can_hold_metrics);
}

TEST(MapTypes, NoTypeIsTwoThingsAtOnce) {
  for (uint32_t type = 0; type < kNewest; ++type) {
    const MapType& row = MapTypeOf(type);
    EXPECT_LE(row.is_array + row.is_hash + row.is_event_buffer, 1) << row.name;
    EXPECT_FALSE(row.is_event_buffer && row.can_hold_metrics) << row.name;
  }
}

}  // namespace
}  // namespace bpftally
