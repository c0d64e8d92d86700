// Tests maps on the real kernel whose walk begins anew if the current key vanishes.

#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <ostream>
#include <set>
#include <span>

#include "base/unique_fd.h"
#include "kernel/map_handle.h"
#include "kernel/real_bpf_sys.h"
#include "programs/read/map_reader.h"

namespace bpftally {
namespace {

using std::chrono::seconds;

constexpr uint32_t kEntries = 10'000;

struct Kind {
  bpf_map_type type;
  uint32_t key_size;
  uint32_t value_size;
  uint32_t flags;
};

// Types of maps: the first has batches, in which keys come again; the second has none.
constexpr Kind kTrie = {BPF_MAP_TYPE_LPM_TRIE, 8, 8, BPF_F_NO_PREALLOC};
constexpr Kind kDevices = {BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 0};

void PrintTo(const Kind& kind, std::ostream* out) { *out << "map type " << kind.type; }

class VanishingKeysTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "root is missing: the test makes maps";
    const Kind& kind = GetParam();
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = kind.flags);
    fd_.Reset(bpf_map_create(kind.type, "vanishing", kind.key_size, kind.value_size, 2 * kEntries,
                             &options));
    ASSERT_TRUE(fd_) << std::strerror(errno);
    for (uint32_t number = 0; number < kEntries; ++number) Put(number);
  }

  // Puts the number at the end of the key; in a trie, the length of the prefix comes before it.
  static std::array<uint32_t, 2> KeyOf(uint32_t number) {
    if (GetParam().key_size == 4) return {number, 0};
    return {32, number};
  }
  static uint32_t NumberOf(std::string_view key) {
    uint32_t number = 0;
    std::memcpy(&number, &key[key.size() - sizeof number], sizeof number);
    return number;
  }

  void Put(uint32_t number) const {
    const auto key = KeyOf(number);
    const uint64_t loopback = 1;  // index of a device, for maps that need one
    ASSERT_EQ(bpf_map_update_elem(fd_.get(), key.data(), &loopback, BPF_ANY), 0)
        << std::strerror(errno);
  }

  void Delete(uint32_t number) {
    const auto key = KeyOf(number);
    if (bpf_map_delete_elem(fd_.get(), key.data()) == 0) deleted_.insert(number);
  }

  // Counts in times_ how often each number comes; calls `disturb` after each batch.
  Result<void> Read(const std::function<void(const Rows&)>& disturb) {
    const Kind& kind = GetParam();
    const MapHandle map{.name = "vanishing",
                        .fd = fd_.get(),
                        .type = kind.type,
                        .key_size = kind.key_size,
                        .value_size = kind.value_size,
                        .max_entries = 2 * kEntries};
    const auto sys = MakeRealBpfSys();
    MapReader reader(*sys, SystemClock(), 1);
    return reader.Read(map, SystemClock().Now() + seconds(60),
                       [&](const Rows& rows) -> Result<void> {
                         for (size_t i = 0; i < rows.count; ++i) ++times_[NumberOf(rows.Key(i))];
                         disturb(rows);
                         return {};
                       });
  }

  UniqueFd fd_;
  std::set<uint32_t> deleted_;
  std::map<uint32_t, int> times_;
};

TEST_P(VanishingKeysTest, Fault08WhatStaysIsThereOnceWhereTheWalkBeginsAnew) {
  uint32_t batches = 0;
  const auto read = Read([&](const Rows& rows) {
    if (batches == 2) return;                    // more would make the reader give up
    Delete(NumberOf(rows.Key(rows.count - 1)));  // the current key of the walk
    for (uint32_t i = 0; i < 100; ++i) Delete(batches * 1000 + i);
    ++batches;
  });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(batches, 2u) << "else nothing vanished while it was read";
  for (uint32_t number = 0; number < kEntries; ++number) {
    if (deleted_.contains(number)) {
      EXPECT_LE(times_[number], 1) << number;
    } else {
      EXPECT_EQ(times_[number], 1) << number;
    }
  }
}

TEST_P(VanishingKeysTest, Fault08AMapThatIsEmptiedMeanwhileEndsTheWalk) {
  const auto read = Read([&](const Rows&) {
    for (uint32_t number = 0; number < kEntries; ++number) Delete(number);
  });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(deleted_.size(), kEntries);
  EXPECT_LT(times_.size(), kEntries);
  for (const auto& [number, times] : times_) EXPECT_EQ(times, 1) << number;
}

INSTANTIATE_TEST_SUITE_P(Kinds, VanishingKeysTest, ::testing::Values(kTrie, kDevices));

}  // namespace
}  // namespace bpftally
