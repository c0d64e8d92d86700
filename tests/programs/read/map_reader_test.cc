#include "programs/read/map_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "kernel/fake_bpf_sys.h"
#include "kernel/map_handle.h"

namespace bpftally {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

constexpr uint32_t kMapId = 7;

template <typename T>
std::vector<std::byte> Bytes(std::initializer_list<T> numbers) {
  std::vector<std::byte> bytes(numbers.size() * sizeof(T));
  std::memcpy(bytes.data(), std::data(numbers), bytes.size());
  return bytes;
}

template <typename T>
T Number(std::string_view bytes) {
  T number{};
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

class MapReaderTest : public testing::Test {
 protected:
  // Makes a map with key i + 1 and value 10 * i in entry i.
  void MakeMap(uint32_t type, uint32_t entries) {
    FakeMap& map = sys_.maps[kMapId];
    map.info.type = type;
    map.info.key_size = sizeof(uint32_t);
    for (uint32_t i = 0; i < entries; ++i)
      map.entries.push_back({Bytes({i + 1}), Bytes({uint64_t{10} * i})});
    fd_ = std::move(*sys_.OpenById(ObjectKind::kMap, kMapId));
    loaded_ = {.name = "counts",
               .fd = fd_.get(),
               .type = type,
               .key_size = sizeof(uint32_t),
               .value_size = sizeof(uint64_t),
               .max_entries = std::max(entries, 1U)};
    sys_.ForgetCalls();
  }

  // Returns all entries; fails if a key comes twice.
  Result<std::map<uint32_t, uint64_t>> ReadAll(seconds patience = seconds(60)) {
    std::map<uint32_t, uint64_t> all;
    const auto read =
        reader_.Read(loaded_, clock_.After(patience), [&](const Rows& rows) -> Result<void> {
          for (size_t i = 0; i < rows.count; ++i) {
            const auto key = Number<uint32_t>(rows.Key(i));
            EXPECT_TRUE(all.emplace(key, Number<uint64_t>(rows.Value(i))).second)
                << key << " came twice";
          }
          return {};
        });
    if (!read) return std::unexpected(read.error());
    return all;
  }

  std::vector<FakeEntry>& entries() { return sys_.maps[kMapId].entries; }

  FakeBpfSys sys_;
  TickingClock clock_;
  MapReader reader_{sys_, clock_, 1};
  UniqueFd fd_;
  MapHandle loaded_;
};

TEST_F(MapReaderTest, ReadsAHashMapInFewCalls) {
  MakeMap(BPF_MAP_TYPE_HASH, 10'000);
  sys_.maps[kMapId].bucket = 3;
  const auto all = ReadAll();
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 10'000U);
  for (const auto& [key, value] : *all) ASSERT_EQ(value, 10 * (key - 1));
  EXPECT_LE(sys_.Calls(Method::kLookupBatch), 4);
  EXPECT_EQ(sys_.Calls(Method::kNextKey), 0);
}

TEST_F(MapReaderTest, ReadsAnEmptyMap) {
  MakeMap(BPF_MAP_TYPE_HASH, 0);
  const auto all = ReadAll();
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->empty());
}

TEST_F(MapReaderTest, Fault07MakesRoomForABucketThatDoesNotFit) {
  MakeMap(BPF_MAP_TYPE_HASH, 20'000);
  sys_.maps[kMapId].bucket = 9'000;
  const auto all = ReadAll();
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->size(), 20'000U);
}

TEST_F(MapReaderTest, GivesUpOnAKernelThatNeverHasEnoughRoom) {
  MakeMap(BPF_MAP_TYPE_HASH, 100);
  sys_.Inject({.method = Method::kLookupBatch, .sys_errno = ENOSPC});
  const auto all = ReadAll();
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().kind, ErrorKind::kExhausted);
  EXPECT_LE(sys_.Calls(Method::kLookupBatch), 3);
}

TEST_F(MapReaderTest, Fault08RemembersThatThisTypeHasNoBatchHere) {
  for (const int code : {EINVAL, 524}) {
    FakeBpfSys old;
    old.Inject({.method = Method::kLookupBatch, .sys_errno = code});
    old.maps[1].info.key_size = sizeof(uint32_t);
    for (uint32_t i = 0; i < 5'000; ++i)
      old.maps[1].entries.push_back({Bytes({i}), Bytes({i, 0U})});
    const UniqueFd fd = std::move(*old.OpenById(ObjectKind::kMap, 1));
    MapReader reader(old, clock_, 1);
    const MapHandle map{.name = "old",
                        .fd = fd.get(),
                        .type = BPF_MAP_TYPE_HASH,
                        .key_size = 4,
                        .value_size = 8,
                        .max_entries = 5'000};
    for (int time = 0; time < 2; ++time) {
      size_t count = 0;
      const auto read = reader.Read(map, clock_.After(seconds(9)), [&](const Rows& rows) {
        count += rows.count;
        return Result<void>();
      });
      ASSERT_TRUE(read) << read.error().message;
      EXPECT_EQ(count, 5'000U);
    }
    EXPECT_EQ(old.Calls(Method::kLookupBatch), 1);
  }
}

TEST_F(MapReaderTest, OtherErrorsAreReported) {
  MakeMap(BPF_MAP_TYPE_HASH, 10);
  sys_.Inject({.method = Method::kLookupBatch, .sys_errno = EPERM});
  const auto all = ReadAll();
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().kind, ErrorKind::kPermission);
  EXPECT_EQ(sys_.Calls(Method::kNextKey), 0);
}

TEST_F(MapReaderTest, AsksAgainWhereAKeyVanishedUnderTheKernel) {
  MakeMap(BPF_MAP_TYPE_LPM_TRIE, 10);
  sys_.Inject({.method = Method::kLookupBatch, .sys_errno = EINTR, .times = 5});
  const auto all = ReadAll();
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->size(), 10U);
}

TEST_F(MapReaderTest, DoesNotAskForEver) {
  MakeMap(BPF_MAP_TYPE_LPM_TRIE, 10);
  sys_.Inject({.method = Method::kLookupBatch, .sys_errno = EINTR});
  EXPECT_FALSE(ReadAll());
  EXPECT_LE(sys_.Calls(Method::kLookupBatch), 1'000);
}

// The kernel begins at the front again if the last key of a batch vanishes.
TEST_F(MapReaderTest, NoKeyOfATrieTwice) {
  MakeMap(BPF_MAP_TYPE_LPM_TRIE, 9'000);
  int batches = 0;
  sys_.after_call = [&](const Call& call) {
    if (call.method == Method::kLookupBatch && ++batches == 1)
      entries().erase(entries().begin() + 4'095);
  };
  const auto all = ReadAll();
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->size(), 9'000U);  // includes the vanished key, which was read before
  EXPECT_GE(batches, 4);
}

TEST_F(MapReaderTest, ATrieThatNeverHoldsStillEndsTheReading) {
  MakeMap(BPF_MAP_TYPE_LPM_TRIE, 9'000);
  uint32_t fresh = 100'000;
  sys_.after_call = [&](const Call& call) {
    if (call.method == Method::kLookupBatch) entries()[4'095].key = Bytes({fresh++});
  };
  const auto all = ReadAll();
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().kind, ErrorKind::kExhausted);
  EXPECT_THAT(all.error().message, HasSubstr("changes faster"));
  EXPECT_LE(sys_.Calls(Method::kLookupBatch), 10);
}

TEST_F(MapReaderTest, KeyByKeySkipsWhatVanishes) {
  MakeMap(BPF_MAP_TYPE_HASH, 100);
  sys_.Inject({.method = Method::kLookupBatch, .sys_errno = EINVAL});
  sys_.Inject({.method = Method::kLookupElement, .sys_errno = ENOENT, .after = 10, .times = 3});
  const auto all = ReadAll();
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->size(), 97U);
  EXPECT_FALSE(all->contains(11));
  EXPECT_TRUE(all->contains(14));
}

TEST_F(MapReaderTest, KeyByKeyFindsTheRestWhereTheLastKeyVanished) {
  MakeMap(BPF_MAP_TYPE_HASH, 100);
  sys_.Inject({.method = Method::kLookupBatch, .sys_errno = EINVAL});
  int lookups = 0;
  sys_.after_call = [&](const Call& call) {
    if (call.method == Method::kLookupElement && ++lookups == 50)
      entries().erase(entries().begin() + 49);
  };
  const auto all = ReadAll();
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->size(), 100U);
}

TEST_F(MapReaderTest, KeepsTheDeadline) {
  MakeMap(BPF_MAP_TYPE_HASH, 50'000);
  clock_.step = seconds(1);
  const auto all = ReadAll(seconds(5));
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().kind, ErrorKind::kExhausted);
  EXPECT_THAT(all.error().message, HasSubstr("no time left to read map counts"));
  EXPECT_LE(sys_.Calls(Method::kLookupBatch), 5);
}

TEST_F(MapReaderTest, ValuesOfEachCpuAreRoundedUpToEightBytes) {
  FakeMap& map = sys_.maps[kMapId];
  map.info.type = BPF_MAP_TYPE_PERCPU_ARRAY;
  map.info.key_size = 4;
  map.entries = {{Bytes({0U}), Bytes({11U, 0U, 12U, 0U, 13U, 0U})}};
  const UniqueFd fd = std::move(*sys_.OpenById(ObjectKind::kMap, kMapId));
  MapReader reader(sys_, clock_, 3);
  std::vector<uint32_t> values;
  const auto read = reader.Read({.name = "cpus",
                                 .fd = fd.get(),
                                 .type = BPF_MAP_TYPE_PERCPU_ARRAY,
                                 .key_size = 4,
                                 .value_size = 4,
                                 .max_entries = 1},
                                clock_.After(seconds(9)), [&](const Rows& rows) {
                                  for (size_t cpu = 0; cpu < rows.cpus; ++cpu)
                                    values.push_back(Number<uint32_t>(rows.Value(0, cpu)));
                                  return Result<void>();
                                });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(values, testing::ElementsAre(11, 12, 13));
}

TEST_F(MapReaderTest, ReadsTheMemoryOfAMappableArray) {
  MakeMap(BPF_MAP_TYPE_ARRAY, 10'000);
  loaded_.flags = BPF_F_MMAPABLE;
  const auto all = ReadAll();
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 10'000U);
  for (const auto& [key, value] : *all) ASSERT_EQ(value, 10 * key);  // the key is the index
  EXPECT_EQ(sys_.Calls(Method::kCopyMapped), 2);
  EXPECT_EQ(sys_.Calls(Method::kLookupBatch), 0);
}

TEST_F(MapReaderTest, AnErrorOfTheSinkEndsTheReading) {
  MakeMap(BPF_MAP_TYPE_HASH, 50'000);
  const auto read = reader_.Read(loaded_, clock_.After(seconds(9)), [](const Rows&) {
    return Result<void>(std::unexpected(Error{ErrorKind::kInvalid, 0, "no"}));
  });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "no");
  EXPECT_EQ(sys_.Calls(Method::kLookupBatch), 1);
}

}  // namespace
}  // namespace bpftally
