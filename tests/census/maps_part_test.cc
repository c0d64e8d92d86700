#include <unistd.h>

#include <cstring>

#include "btf/btf_blob.h"
#include "census/reader_fixture.h"

namespace bpftally {
namespace {

const uint64_t kPage = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
constexpr uint32_t kArena = 33;

class MapsPartTest : public ReaderTest {
 protected:
  FakeMap& AddWhole(uint32_t id) {
    FakeMap& map = AddMap(id, BPF_MAP_TYPE_LRU_HASH, "whole");
    map.info.map_flags = BPF_F_NUMA_NODE;
    map.info.map_extra = 9;
    map.info.btf_id = 70;
    map.frozen = 1;
    map.keys = 17;
    map.record_known = MAP_KNOWS_ENTRIES | MAP_KNOWS_MAP_EXTRA;
    map.fdinfo = "map_type:\t9\nmemlock:\t8192\nmap_id:\t1\nfrozen:\t1\n";
    return map;
  }

  MapInfo TakeMap(uint32_t id) {
    const Snapshot snapshot = Take();
    const MapInfo* map = Find(snapshot.maps, id);
    EXPECT_NE(map, nullptr);
    return map == nullptr ? MapInfo{} : *map;
  }
};

MapInfo WholeInfo() {
  return {.id = 1,
          .type = BPF_MAP_TYPE_LRU_HASH,
          .name = "whole",
          .key_size = 4,
          .value_size = 8,
          .max_entries = 100,
          .flags = BPF_F_NUMA_NODE,
          .map_extra = 9,
          .frozen = true,
          .btf_id = 70,
          .entries = 17,
          .memory_bytes = 8192};
}

TEST_F(MapsPartTest, AutoGivesEveryField) {
  AddWhole(1);
  Start();
  EXPECT_TRUE(TakeMap(1) == WholeInfo());
}

TEST_F(MapsPartTest, SyscallGivesAllButEntries) {
  AddWhole(1);
  Start({.source = SourceChoice::kSyscall});
  MapInfo expected = WholeInfo();
  expected.entries.reset();
  EXPECT_TRUE(TakeMap(1) == expected);
}

TEST_F(MapsPartTest, IteratorAloneGivesAllButMemory) {
  AddWhole(1);
  Start({.source = SourceChoice::kIterator});
  MapInfo expected = WholeInfo();
  expected.memory_bytes.reset();
  EXPECT_TRUE(TakeMap(1) == expected);
  EXPECT_EQ(sys_.Calls(Method::kOpenById), 0);
}

TEST_F(MapsPartTest, WhatAnIteratorCouldNotReadIsAbsent) {
  AddWhole(1).record_known = 0;
  Start({.source = SourceChoice::kIterator});
  const MapInfo map = TakeMap(1);
  EXPECT_EQ(map.map_extra, std::nullopt);
  EXPECT_EQ(map.entries, std::nullopt);
  EXPECT_EQ(map.buffer_size_bytes, std::nullopt);
  EXPECT_EQ(map.buffer_backlog_bytes, std::nullopt);
  EXPECT_EQ(map.perf_lost, std::nullopt);
}

TEST_F(MapsPartTest, CutBeforeBtfIds) {
  AddWhole(1);
  sys_.map_info_size = offsetof(bpf_map_info, btf_id);
  Start({.source = SourceChoice::kSyscall});
  const MapInfo map = TakeMap(1);
  EXPECT_EQ(map.btf_id, std::nullopt);
  EXPECT_EQ(map.map_extra, std::nullopt);
  EXPECT_EQ(map.name, "whole");
  EXPECT_EQ(map.max_entries, 100u);
}

TEST_F(MapsPartTest, CutBeforeMapExtra) {
  AddWhole(1);
  sys_.map_info_size = offsetof(bpf_map_info, map_extra);
  Start({.source = SourceChoice::kSyscall});
  const MapInfo map = TakeMap(1);
  EXPECT_EQ(map.btf_id, 70u);
  EXPECT_EQ(map.map_extra, std::nullopt);
}

TEST_F(MapsPartTest, OldFdInfoSaysNothingOfFreezing) {
  AddWhole(1).fdinfo = "memlock:\t8192\n";
  Start({.source = SourceChoice::kSyscall});
  EXPECT_EQ(TakeMap(1).frozen, std::nullopt);
}

TEST_F(MapsPartTest, BuffersOfTheIterator) {
  FakeMap& ring = AddMap(1, BPF_MAP_TYPE_RINGBUF);
  ring.info.max_entries = 65536;
  ring.record_known = MAP_KNOWS_BACKLOG;
  ring.backlog = 128;
  FakeMap& perf = AddMap(2, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  perf.record_known = MAP_KNOWS_BUFFER_PAGES | MAP_KNOWS_LOST;
  perf.buffer_pages = 8;
  perf.lost = 3;
  Start({.source = SourceChoice::kIterator});
  const Snapshot snapshot = Take();
  EXPECT_EQ(snapshot.maps.at(0).buffer_size_bytes, 65536u);
  EXPECT_EQ(snapshot.maps.at(0).buffer_backlog_bytes, 128u);
  EXPECT_EQ(snapshot.maps.at(0).perf_lost, std::nullopt);
  EXPECT_EQ(snapshot.maps.at(1).buffer_size_bytes, 8 * kPage);
  EXPECT_EQ(snapshot.maps.at(1).perf_lost, 3u);
  EXPECT_EQ(snapshot.maps.at(1).buffer_backlog_bytes, std::nullopt);
}

TEST_F(MapsPartTest, SyscallKnowsARingBuffersSizeOnly) {
  AddMap(1, BPF_MAP_TYPE_RINGBUF).info.max_entries = 65536;
  AddMap(2, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  Start({.source = SourceChoice::kSyscall});
  const Snapshot snapshot = Take();
  EXPECT_EQ(snapshot.maps.at(0).buffer_size_bytes, 65536u);
  EXPECT_EQ(snapshot.maps.at(0).buffer_backlog_bytes, std::nullopt);
  EXPECT_EQ(snapshot.maps.at(1).buffer_size_bytes, std::nullopt);
}

struct MemoryCase {
  const char* name;
  uint32_t type;
  uint32_t flags;
  bool varies;
};

class MapMemoryTest : public MapsPartTest, public ::testing::WithParamInterface<MemoryCase> {};

INSTANTIATE_TEST_SUITE_P(
    , MapMemoryTest,
    ::testing::Values(MemoryCase{"array", BPF_MAP_TYPE_ARRAY, 0, false},
                      MemoryCase{"hash", BPF_MAP_TYPE_HASH, 0, false},
                      MemoryCase{"lru", BPF_MAP_TYPE_LRU_HASH, 0, false},
                      MemoryCase{"hash_by_need", BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, true},
                      MemoryCase{"percpu_hash_by_need", BPF_MAP_TYPE_PERCPU_HASH, BPF_F_NO_PREALLOC,
                                 true},
                      MemoryCase{"lpm_trie", BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, true},
                      MemoryCase{"sockhash", BPF_MAP_TYPE_SOCKHASH, 0, true},
                      MemoryCase{"arena", kArena, 0, true}, MemoryCase{"of_tomorrow", 99, 0, true}),
    [](const auto& test) { return test.param.name; });

TEST_P(MapMemoryTest, IsReadAgainOnlyWhereItVaries) {
  AddMap(1, GetParam().type).info.map_flags = GetParam().flags;
  Start();
  EXPECT_EQ(TakeMap(1).memory_bytes, 8192u);
  sys_.maps[1].fdinfo = "memlock:\t16384\n";
  sys_.ForgetCalls();
  EXPECT_EQ(TakeMap(1).memory_bytes, GetParam().varies ? 16384u : 8192u);
  EXPECT_EQ(sys_.Calls(Method::kOpenById, ObjectKind::kMap), GetParam().varies ? 1 : 0);
  EXPECT_EQ(sys_.Calls(Method::kFdInfo), GetParam().varies ? 1 : 0);
}

TEST_F(MapsPartTest, AnArenasZeroIsUnknown) {
  AddMap(1, kArena).fdinfo = "memlock:\t0\n";
  AddMap(2, BPF_MAP_TYPE_ARRAY).fdinfo = "memlock:\t0\n";
  Start();
  const Snapshot snapshot = Take();
  EXPECT_EQ(snapshot.maps.at(0).memory_bytes, std::nullopt);
  EXPECT_EQ(snapshot.maps.at(1).memory_bytes, 0u);
}

class MapSourcesTest : public BothSourcesTest {};
INSTANTIATE_TEST_SUITE_P(, MapSourcesTest,
                         ::testing::Values(SourceChoice::kAuto, SourceChoice::kSyscall),
                         SourceChoiceName);

TEST_P(MapSourcesTest, MemoryThatCouldNotBeReadIsReadAtTheNextPass) {
  AddMap(1, BPF_MAP_TYPE_ARRAY);
  sys_.Inject({.method = Method::kFdInfo, .sys_errno = EIO, .times = 1});
  Start({.source = GetParam()});
  const Snapshot first = Take();
  EXPECT_TRUE(first.StatusOf(ObjectKind::kMap).complete);
  EXPECT_EQ(first.maps.at(0).memory_bytes, std::nullopt);
  EXPECT_EQ(Take().maps.at(0).memory_bytes, 8192u);
}

TEST_P(MapSourcesTest, Fault04AnIdThatComesBackIsAnotherMap) {
  const std::vector<std::function<void(bpf_map_info&)>> changes = {
      [](bpf_map_info& info) { info.type = BPF_MAP_TYPE_PERCPU_ARRAY; },
      [](bpf_map_info& info) { info.max_entries = 7; },
      [](bpf_map_info& info) { info.map_flags = BPF_F_RDONLY_PROG; },
      [](bpf_map_info& info) { info.btf_id = 77; }};
  for (const auto& change : changes) {
    AddMap(1, BPF_MAP_TYPE_ARRAY, "former");
    sys_.maps[1].info.map_flags = 0;
    sys_.maps[1].info.btf_id = 0;
    sys_.maps[1].fdinfo = "memlock:\t8192\n";
    Start({.source = GetParam()});
    EXPECT_EQ(Take().maps.at(0).memory_bytes, 8192u);
    change(sys_.maps[1].info);
    SetName(sys_.maps[1].info.name, "later");
    sys_.maps[1].fdinfo = "memlock:\t16384\n";
    const Snapshot snapshot = Take();
    EXPECT_EQ(snapshot.maps.at(0).name, "later");
    EXPECT_EQ(snapshot.maps.at(0).memory_bytes, 16384u);
  }
}

TEST_P(MapSourcesTest, OutOfDescriptorsEndsTheWalkUntilTheNextPass) {
  for (uint32_t id = 1; id <= 3; ++id) AddMap(id);
  sys_.Inject(
      {.method = Method::kOpenById, .sys_errno = EMFILE, .kind = ObjectKind::kMap, .id = 2});
  Start({.source = GetParam()});
  const Snapshot first = Take();
  const KindStatus& status = first.StatusOf(ObjectKind::kMap);
  EXPECT_FALSE(status.complete);
  ASSERT_TRUE(status.error);
  EXPECT_EQ(status.error->kind, ErrorKind::kExhausted);
  EXPECT_EQ(first.maps.at(0).memory_bytes, 8192u);
  sys_.ClearFaults();
  const Snapshot second = Take();
  EXPECT_TRUE(second.StatusOf(ObjectKind::kMap).complete);
  for (uint32_t id = 1; id <= 3; ++id) EXPECT_EQ(Find(second.maps, id)->memory_bytes, 8192u);
}

TEST_P(MapSourcesTest, NothingIsRememberedOfTheDead) {
  Start({.source = GetParam()});
  for (uint32_t id = 10; id < 110; ++id) {
    AddMap(id, BPF_MAP_TYPE_ARRAY, "former");
    Take();
    sys_.maps.erase(id);
  }
  for (uint32_t id = 10; id < 110; ++id) AddMap(id, BPF_MAP_TYPE_ARRAY, "later");
  const Snapshot snapshot = Take();
  // The last former one may still be remembered: no whole walk was without it.
  for (uint32_t id = 10; id < 109; ++id) EXPECT_EQ(Find(snapshot.maps, id)->name, "later") << id;
}

TEST_P(MapSourcesTest, TheFullNameIsAskedOnce) {
  BtfBlob blob;
  blob.Variable("connections_by_address", blob.Definition(std::nullopt, std::nullopt));
  blob.Section(".maps");
  sys_.btf[70].data = blob.Bytes();
  AddMap(1, BPF_MAP_TYPE_ARRAY, "connections_by_").info.btf_id = 70;
  Start({.source = GetParam()});
  EXPECT_EQ(Take().maps.at(0).name, "connections_by_address");
  sys_.ForgetCalls();
  EXPECT_EQ(Take().maps.at(0).name, "connections_by_address");
  EXPECT_EQ(sys_.Calls(Method::kOpenById, ObjectKind::kBtf), 0);
}

TEST_P(MapSourcesTest, AFailedLookUpOfTheNameIsMadeGoodAtTheNextPass) {
  BtfBlob blob;
  blob.Variable("connections_by_address", blob.Definition(std::nullopt, std::nullopt));
  blob.Section(".maps");
  sys_.btf[70].data = blob.Bytes();
  AddMap(1, BPF_MAP_TYPE_ARRAY, "connections_by_").info.btf_id = 70;
  sys_.Inject({.method = Method::kOpenById, .sys_errno = EMFILE, .kind = ObjectKind::kBtf});
  Start({.source = GetParam()});
  EXPECT_EQ(Take().maps.at(0).name, "connections_by_");
  sys_.ClearFaults();
  EXPECT_EQ(Take().maps.at(0).name, "connections_by_address");
}

TEST_P(MapSourcesTest, AMapIsMissingIfThereIsNoTimeForItsName) {
  BtfBlob blob;
  blob.Variable("connections_by_address", blob.Definition(std::nullopt, std::nullopt));
  blob.Section(".maps");
  for (uint32_t id = 1; id <= 2; ++id) {
    sys_.btf[70 + id].data = blob.Bytes();
    AddMap(id, BPF_MAP_TYPE_ARRAY, "connections_by_").info.btf_id = 70 + id;
  }
  sys_.after_call = [&](const Call& call) {
    if (call.method == Method::kOpenById && call.kind == ObjectKind::kBtf)
      clock_.step = std::chrono::hours(2);
  };
  Start({.source = GetParam()});
  const Snapshot late = Take();
  ASSERT_NE(Find(late.maps, 1), nullptr);
  EXPECT_EQ(Find(late.maps, 1)->name, "connections_by_address");
  EXPECT_EQ(Find(late.maps, 2), nullptr);
  EXPECT_FALSE(late.StatusOf(ObjectKind::kMap).complete);
  EXPECT_EQ(sys_.Calls(Method::kOpenById, ObjectKind::kBtf), 1);
  sys_.after_call = nullptr;
  clock_.step = std::chrono::nanoseconds(0);
  const Snapshot next = Take();
  EXPECT_TRUE(next.StatusOf(ObjectKind::kMap).complete);
  EXPECT_EQ(Find(next.maps, 2)->name, "connections_by_address");
}

TEST_F(MapsPartTest, GoneBehindTheIteratorIsListedWithoutMemory) {
  AddMap(1);
  AddMap(2);
  sys_.after_call = [&](const Call& call) {
    if (call.method == Method::kCreateIterator && call.kind == ObjectKind::kMap) sys_.maps.erase(1);
  };
  Start();
  const Snapshot snapshot = Take();
  EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kMap).complete);
  EXPECT_EQ(Find(snapshot.maps, 1)->memory_bytes, std::nullopt);
  EXPECT_EQ(Find(snapshot.maps, 2)->memory_bytes, 8192u);
}

class EntryScanTest : public MapsPartTest, public ::testing::WithParamInterface<SourceChoice> {
 protected:
  std::optional<uint64_t> Scan(uint32_t type, size_t keys, bool enabled = true) {
    FakeMap& map = AddMap(1, type);
    map.keys = keys;
    map.info.max_entries = 1'000'000;
    return ScanEntries(enabled);
  }

  std::optional<uint64_t> ScanEntries(bool enabled = true) {
    Start({.source = GetParam(), .scan_entries = enabled, .max_scanned_entries = 3000});
    return TakeMap(1).entries;
  }

  // Keys from 1 on, in this order.
  void AddEntries(uint32_t count) {
    AddMap(1);
    for (uint32_t key = 1; key <= count; ++key) sys_.maps[1].entries.push_back({BytesOf(key), {}});
  }

  static std::vector<std::byte> BytesOf(uint32_t key) {
    const auto bytes = std::as_bytes(std::span(&key, 1));
    return {bytes.begin(), bytes.end()};
  }

  void Erase(uint32_t key) {
    std::erase_if(sys_.maps[1].entries,
                  [&](const FakeEntry& entry) { return entry.key == BytesOf(key); });
  }

  void PutInFront(uint32_t key) {
    std::vector<FakeEntry>& entries = sys_.maps[1].entries;
    entries.insert(entries.begin(), {BytesOf(key), {}});
  }

  // Changes that others make to the map once the scan has read so many keys.
  void AfterKeys(int keys, std::function<void()> change) {
    sys_.after_call = [this, keys, change = std::move(change)](const Call& call) {
      if (call.method == Method::kNextKey && ++seen_ == keys) change();
    };
  }

  int seen_ = 0;
};

INSTANTIATE_TEST_SUITE_P(, EntryScanTest,
                         ::testing::Values(SourceChoice::kAuto, SourceChoice::kSyscall),
                         SourceChoiceName);

TEST_P(EntryScanTest, CountsUpToTheLimit) {
  EXPECT_EQ(Scan(BPF_MAP_TYPE_HASH, 0), 0u);
  EXPECT_EQ(Scan(BPF_MAP_TYPE_HASH, 1), 1u);
  EXPECT_EQ(Scan(BPF_MAP_TYPE_LPM_TRIE, 3000), 3000u);
  EXPECT_EQ(Scan(BPF_MAP_TYPE_HASH, 3001), std::nullopt);
}

TEST_P(EntryScanTest, StopsAtTheLimit) {
  Scan(BPF_MAP_TYPE_HASH, 1'000'000);
  EXPECT_LE(sys_.Calls(Method::kNextKey), 3001);
}

TEST_P(EntryScanTest, Fault30bIsOffByDefaultAndNotForArrays) {
  EXPECT_EQ(Scan(BPF_MAP_TYPE_HASH, 5, false), std::nullopt);
  EXPECT_EQ(Scan(BPF_MAP_TYPE_ARRAY, 5), std::nullopt);
  EXPECT_EQ(sys_.Calls(Method::kNextKey), 0);
}

TEST_P(EntryScanTest, AKeyThatFailsLeavesTheNumberUnknown) {
  sys_.Inject({.method = Method::kNextKey, .sys_errno = EINVAL, .after = 2});
  EXPECT_EQ(Scan(BPF_MAP_TYPE_HASH, 5), std::nullopt);
}

TEST_P(EntryScanTest, Fault30bBeginsAnewWhereItsKeyVanished) {
  AddEntries(10);
  AfterKeys(4, [&] { Erase(4); });  // the one that it stands at: the first comes again
  EXPECT_EQ(ScanEntries(), 9u);
}

TEST_P(EntryScanTest, Fault30bBeginsAnewWhereTheFirstVanishedToo) {
  AddEntries(10);
  AfterKeys(4, [&] {
    Erase(4);
    Erase(1);
  });
  EXPECT_EQ(ScanEntries(), 8u);
}

TEST_P(EntryScanTest, Fault30bBeginsAnewWhereAllThatWereSeenVanished) {
  AddEntries(10);
  AfterKeys(4, [&] {
    for (uint32_t key = 1; key <= 4; ++key) Erase(key);
  });
  EXPECT_EQ(ScanEntries(), 6u);
}

TEST_P(EntryScanTest, Fault30bAnotherFirstKeyLeavesTheCountRight) {
  AddEntries(10);
  AfterKeys(4, [&] {
    Erase(4);
    PutInFront(99);
  });
  EXPECT_EQ(ScanEntries(), 10u);
}

TEST_P(EntryScanTest, Fault30bNoKeyCountsTwiceWhereTheFirstCameBack) {
  AddEntries(10);
  AfterKeys(4, [&] {
    Erase(4);
    Erase(1);
  });
  sys_.after_call = [&, change = sys_.after_call](const Call& call) {
    change(call);
    if (call.method == Method::kNextKey && seen_ == 6) PutInFront(1);
  };
  EXPECT_EQ(ScanEntries(), 9u);
}

TEST_P(EntryScanTest, Fault30bAMapThatChangesTooFastIsUnknown) {
  AddEntries(10);
  uint32_t fresh = 100;
  sys_.after_call = [&](const Call& call) {
    if (call.method != Method::kNextKey || ++seen_ % 4 != 0) return;
    std::vector<FakeEntry>& entries = sys_.maps[1].entries;
    for (FakeEntry& entry : entries) std::memcpy(entry.key.data(), &++fresh, sizeof fresh);
  };
  EXPECT_EQ(ScanEntries(), std::nullopt);
  EXPECT_LE(sys_.Calls(Method::kNextKey), 500);
}

TEST_P(EntryScanTest, Fault30bMoreThanTheMapHasRoomForIsUnknown) {
  AddMap(1).keys = 101;
  EXPECT_EQ(ScanEntries(), std::nullopt);
}

TEST_P(EntryScanTest, StopsAtTheDeadlineAndKeepsTheMap) {
  FakeMap& map = AddMap(1);
  map.keys = 100'000;
  map.info.max_entries = 100'000;
  Start({.source = GetParam(), .scan_entries = true, .max_scanned_entries = 100'000});
  sys_.after_call = [&](const Call& call) {
    if (call.method == Method::kNextKey) clock_.step = std::chrono::seconds(1);
  };
  const Snapshot snapshot = Take(std::chrono::seconds(5));
  ASSERT_NE(Find(snapshot.maps, 1), nullptr);
  EXPECT_EQ(Find(snapshot.maps, 1)->entries, std::nullopt);
  EXPECT_EQ(Find(snapshot.maps, 1)->memory_bytes, 8192u);
  EXPECT_LT(sys_.Calls(Method::kNextKey), 10'000);
}

TEST_F(MapsPartTest, Fault30bNoScanWhereTheKernelTellsTheNumber) {
  AddWhole(1);
  Start({.scan_entries = true});
  EXPECT_EQ(TakeMap(1).entries, 17u);
  EXPECT_EQ(sys_.Calls(Method::kNextKey), 0);
}

}  // namespace
}  // namespace bpftally
