#include "census/snapshot_reader.h"

#include "btf/btf_blob.h"
#include "census/reader_fixture.h"

namespace bpftally {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SnapshotReaderTest : public ReaderTest {
 protected:
  void AddOneOfEach() {
    AddProgram(1);
    AddMap(1);
    AddLink(1, BPF_LINK_TYPE_ITER).name = "task";
    sys_.btf[1] = {.name = "vmlinux", .kernel = true, .data = std::vector<std::byte>(10)};
  }
  void Refuse(Method method, int sys_errno = EPERM) {
    sys_.Inject({.method = method, .sys_errno = sys_errno});
  }
  Error CreateError(ReaderOptions options = {}) {
    auto made = SnapshotReader::Create(sys_, clock_, options);
    EXPECT_FALSE(made);
    return made ? Error{} : made.error();
  }
};

std::optional<bool> FeatureOf(const Snapshot& snapshot, std::string_view name,
                              std::string_view source) {
  for (const Feature& feature : snapshot.features) {
    if (feature.name == name && feature.source == source) return feature.available;
  }
  return std::nullopt;
}

TEST_F(SnapshotReaderTest, AutoTakesIteratorsAndTheIdWalkForBtf) {
  AddOneOfEach();
  Start();
  const Snapshot snapshot = Take();
  for (const ObjectKind kind : {ObjectKind::kProgram, ObjectKind::kMap, ObjectKind::kLink}) {
    EXPECT_EQ(snapshot.StatusOf(kind).source, Source::kIterator);
    EXPECT_EQ(FeatureOf(snapshot, ObjectKindName(kind), "iterator"), true);
    EXPECT_EQ(FeatureOf(snapshot, ObjectKindName(kind), "syscall"), true);
  }
  EXPECT_EQ(snapshot.StatusOf(ObjectKind::kBtf).source, Source::kSyscall);
  EXPECT_EQ(FeatureOf(snapshot, "btf", "iterator"), std::nullopt);  // no kernel has one
  for (const KindStatus& status : snapshot.status) EXPECT_TRUE(status.complete);
  ASSERT_EQ(snapshot.btf.size(), 1u);
  EXPECT_TRUE(snapshot.btf.front() ==
              (BtfInfo{.id = 1, .name = "vmlinux", .kernel = true, .size_bytes = 10}));
  EXPECT_EQ(snapshot.taken_at_ns, clock_.wall_ns);
}

TEST_F(SnapshotReaderTest, ForcedToSystemCallsLoadsNothing) {
  AddOneOfEach();
  Start({.source = SourceChoice::kSyscall});
  const Snapshot snapshot = Take();
  for (const KindStatus& status : snapshot.status) {
    EXPECT_EQ(status.source, Source::kSyscall);
    EXPECT_TRUE(status.complete);
  }
  EXPECT_EQ(sys_.Calls(Method::kLoadIterator), 0);
  EXPECT_EQ(sys_.OpenIteratorLinks(), 0u);
}

TEST_F(SnapshotReaderTest, ForcedToIteratorsOpensNothing) {
  AddOneOfEach();
  Start({.source = SourceChoice::kIterator});
  const Snapshot snapshot = Take();
  EXPECT_EQ(sys_.Calls(Method::kOpenById), 0);
  EXPECT_EQ(snapshot.StatusOf(ObjectKind::kBtf).source, Source::kNone);
  ASSERT_TRUE(snapshot.StatusOf(ObjectKind::kBtf).error);
  EXPECT_EQ(snapshot.StatusOf(ObjectKind::kBtf).error->kind, ErrorKind::kUnsupported);
}

TEST_F(SnapshotReaderTest, LinksAreHeldAsLongAsTheReader) {
  AddOneOfEach();
  Start({.run_stats = true});
  EXPECT_EQ(sys_.OpenIteratorLinks(), 3u);
  EXPECT_EQ(sys_.OpenStats(), 1u);
  for (int pass = 0; pass < 3; ++pass) Take();
  EXPECT_EQ(sys_.Calls(Method::kLoadIterator, ObjectKind::kProgram), 1);
  EXPECT_EQ(sys_.OpenIteratorLinks(), 3u);
  reader_.reset();
  EXPECT_EQ(sys_.OpenIteratorLinks(), 0u);
  EXPECT_EQ(sys_.OpenStats(), 0u);
}

TEST_F(SnapshotReaderTest, WithoutCapSysAdminTheIteratorsInventoryIsLeft) {
  AddOneOfEach();
  BtfBlob blob;
  sys_.programs[1].func_info_type_id = blob.Function("a_function_with_a_long_name");
  sys_.programs[1].info.btf_id = 1;
  SetName(sys_.programs[1].info.name, "a_function_with");
  sys_.btf[1].data = blob.Bytes();
  Refuse(Method::kNextId);
  Start();
  const Snapshot snapshot = Take();
  EXPECT_EQ(sys_.Calls(Method::kOpenById), 0);
  EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kProgram).complete);
  EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kMap).complete);
  EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kLink).complete);
  EXPECT_EQ(Find(snapshot.programs, 1)->name, "a_function_with");
  EXPECT_EQ(Find(snapshot.maps, 1)->memory_bytes, std::nullopt);
  EXPECT_EQ(Find(snapshot.links, 1)->target, std::nullopt);
  const KindStatus& btf = snapshot.StatusOf(ObjectKind::kBtf);
  EXPECT_EQ(btf.source, Source::kNone);
  EXPECT_FALSE(btf.complete);
  EXPECT_EQ(btf.created, std::nullopt);
  ASSERT_TRUE(btf.error);
  EXPECT_EQ(btf.error->kind, ErrorKind::kPermission);
  EXPECT_THAT(btf.error->message, HasSubstr("CAP_SYS_ADMIN"));
  EXPECT_EQ(FeatureOf(snapshot, "map", "syscall"), false);
  EXPECT_EQ(FeatureOf(snapshot, "map_memory", "fdinfo"), false);
}

TEST_F(SnapshotReaderTest, WithoutIteratorsTheIdWalkDoes) {
  AddOneOfEach();
  Refuse(Method::kLoadIterator);
  Start();
  const Snapshot snapshot = Take();
  for (const KindStatus& status : snapshot.status) {
    EXPECT_EQ(status.source, Source::kSyscall);
    EXPECT_TRUE(status.complete);
  }
  EXPECT_EQ(FeatureOf(snapshot, "program", "iterator"), false);
}

TEST_F(SnapshotReaderTest, EachKindGoesItsOwnSource) {
  AddOneOfEach();
  sys_.Inject({.method = Method::kLoadIterator, .sys_errno = EINVAL, .kind = ObjectKind::kLink});
  Start();
  const Snapshot snapshot = Take();
  EXPECT_EQ(snapshot.StatusOf(ObjectKind::kMap).source, Source::kIterator);
  EXPECT_EQ(snapshot.StatusOf(ObjectKind::kLink).source, Source::kSyscall);
  EXPECT_EQ(Find(snapshot.links, 1)->target, "task");
}

TEST_F(SnapshotReaderTest, Fault29WhereMemoryMustNotBeProbedLessIsLoaded) {
  AddOneOfEach();
  for (const ObjectKind kind : kObjectKinds)
    sys_.Inject({.method = Method::kLoadIterator, .sys_errno = EINVAL, .kind = kind, .times = 1});
  Start();
  EXPECT_EQ(sys_.last_may_probe_read, false);
  EXPECT_EQ(Take().StatusOf(ObjectKind::kLink).source, Source::kIterator);
}

TEST_F(SnapshotReaderTest, WhenNothingWorksTheErrorSaysWhatIsMissing) {
  Refuse(Method::kLoadIterator);
  Refuse(Method::kNextId);
  const Error error = CreateError();
  EXPECT_EQ(error.kind, ErrorKind::kPermission);
  EXPECT_THAT(error.message, AllOf(HasSubstr("cannot see any BPF object"), HasSubstr("CAP_BPF"),
                                   HasSubstr("CAP_PERFMON")));
  EXPECT_EQ(CreateError({.source = SourceChoice::kIterator}).kind, ErrorKind::kPermission);
}

TEST_F(SnapshotReaderTest, AForcedSourceThatIsShutNamesItsCapability) {
  Refuse(Method::kNextId);
  const Error error = CreateError({.source = SourceChoice::kSyscall});
  EXPECT_EQ(error.kind, ErrorKind::kPermission);
  EXPECT_THAT(error.message, HasSubstr("CAP_SYS_ADMIN"));
}

TEST_F(SnapshotReaderTest, AnOldKernelIsNotAMissingCapability) {
  Refuse(Method::kLoadIterator, EINVAL);
  Refuse(Method::kNextId, EINVAL);
  EXPECT_EQ(CreateError().kind, ErrorKind::kUnsupported);
}

TEST_F(SnapshotReaderTest, RunStatisticsThatAreAskedForMustBeHad) {
  Refuse(Method::kEnableRunStats);
  const Error error = CreateError({.run_stats = true});
  EXPECT_EQ(error.kind, ErrorKind::kPermission);
  EXPECT_THAT(error.message, HasSubstr("CAP_SYS_ADMIN"));
  EXPECT_EQ(sys_.OpenIteratorLinks(), 0u);
  Start();  // not asked for, not needed
}

TEST_F(SnapshotReaderTest, ObjectsThatVanishAreCountedAndPassedOver) {
  for (uint32_t id = 1; id <= 3; ++id) {
    AddProgram(id);
    AddMap(id);
    AddLink(id, BPF_LINK_TYPE_ITER);
    sys_.btf[id].data.resize(4);
  }
  Start({.source = SourceChoice::kSyscall});
  sys_.after_call = [&](const Call& call) {
    if (call.method == Method::kNextId && call.id == 1) sys_.Erase(*call.kind, 2);  // just listed
  };
  const Snapshot snapshot = Take();
  EXPECT_THAT(Ids(snapshot.programs), ElementsAre(1, 3));
  EXPECT_THAT(Ids(snapshot.maps), ElementsAre(1, 3));
  EXPECT_THAT(Ids(snapshot.links), ElementsAre(1, 3));
  EXPECT_THAT(Ids(snapshot.btf), ElementsAre(1, 3));
  for (const KindStatus& status : snapshot.status) {
    EXPECT_EQ(status.vanished, 1u);
    EXPECT_TRUE(status.complete);
  }
}

TEST_F(SnapshotReaderTest, ObjectsThatVanishWhileOpenAreCountedToo) {
  for (uint32_t id = 1; id <= 3; ++id) {
    AddProgram(id);
    AddMap(id);
    AddLink(id, BPF_LINK_TYPE_ITER);
    sys_.btf[id].data.resize(4);
  }
  Start({.source = SourceChoice::kSyscall});
  sys_.after_call = [&](const Call& call) {
    if (call.method == Method::kOpenById && call.id == 2) sys_.Erase(*call.kind, 2);
  };
  const Snapshot snapshot = Take();
  EXPECT_THAT(Ids(snapshot.programs), ElementsAre(1, 3));
  EXPECT_THAT(Ids(snapshot.maps), ElementsAre(1, 3));
  EXPECT_THAT(Ids(snapshot.links), ElementsAre(1, 3));
  EXPECT_THAT(Ids(snapshot.btf), ElementsAre(1, 3));
  for (const KindStatus& status : snapshot.status) {
    EXPECT_EQ(status.vanished, 1u);
    EXPECT_TRUE(status.complete);
  }
}

TEST_F(SnapshotReaderTest, Fault03IdsThatGoDownOrRepeatEndTheWalk) {
  for (const std::vector<uint32_t>& script :
       {std::vector<uint32_t>{5, 7, 6, 8}, {5, 7, 7, 8}, {5, 7, 0, 8}}) {
    for (const uint32_t id : script) AddProgram(id);
    size_t step = 0;
    sys_.next_id = [&](ObjectKind kind, uint32_t after) -> std::optional<uint32_t> {
      if (kind != ObjectKind::kProgram) return std::nullopt;
      if (after == 0) step = 0;
      return step < script.size() ? std::optional(script[step++]) : std::nullopt;
    };
    Start({.source = SourceChoice::kSyscall});
    EXPECT_THAT(Ids(Take().programs), ElementsAre(5, 7));
  }
}

class DeadlineTest : public BothSourcesTest {};
INSTANTIATE_TEST_SUITE_P(, DeadlineTest,
                         ::testing::Values(SourceChoice::kAuto, SourceChoice::kSyscall),
                         SourceChoiceName);

TEST_P(DeadlineTest, InTheMiddleOfAWalkKeepsWhatWasRead) {
  AddProgram(1);
  for (uint32_t id = 1; id <= 1000; ++id) AddMap(id);
  AddLink(1, BPF_LINK_TYPE_RAW_TRACEPOINT).name = "sched_switch";
  Start({.source = GetParam()});
  sys_.after_call = [&](const Call& call) {
    if (call.method == Method::kOpenById && call.kind == ObjectKind::kMap && call.id == 500)
      clock_.step = std::chrono::hours(2);
  };
  const Snapshot snapshot = Take();
  EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kProgram).complete);
  const KindStatus& status = snapshot.StatusOf(ObjectKind::kMap);
  EXPECT_FALSE(status.complete);
  ASSERT_TRUE(status.error);
  EXPECT_EQ(status.error->kind, ErrorKind::kExhausted);
  ASSERT_GE(snapshot.maps.size(), 500u);
  // The iterator had listed the others by then, so they are kept; to open them there was no time.
  const auto opened = std::ranges::count_if(
      snapshot.maps, [](const MapInfo& map) { return map.memory_bytes.has_value(); });
  EXPECT_LT(opened, 600);
  EXPECT_EQ(snapshot.maps[499].memory_bytes, 8192u);
  EXPECT_EQ(snapshot.StatusOf(ObjectKind::kLink).error->kind, ErrorKind::kExhausted);
  clock_.step = std::chrono::nanoseconds(0);
  sys_.after_call = nullptr;
  const Snapshot next = Take();
  for (const KindStatus& after : next.status) EXPECT_TRUE(after.complete);
  EXPECT_GE(next.maps.size(), 1000u);
}

TEST_P(DeadlineTest, BetweenReadsOfAnIteratorKeepsWhatWasRead) {
  for (uint32_t id = 1; id <= 1000; ++id) AddProgram(id);
  Start({.source = GetParam()});
  sys_.read_size = 100 * sizeof(program_record);
  clock_.step = std::chrono::seconds(1);
  const Snapshot snapshot = Take(std::chrono::seconds(5));
  EXPECT_FALSE(snapshot.StatusOf(ObjectKind::kProgram).complete);
  EXPECT_GE(snapshot.programs.size(), 200u);
  EXPECT_LT(snapshot.programs.size(), 1000u);
}

TEST_P(DeadlineTest, AlreadyPastGivesAnEmptySnapshot) {
  AddProgram(1);
  Start({.source = GetParam()});
  const Snapshot snapshot = Take(std::chrono::seconds(-1));
  EXPECT_TRUE(snapshot.programs.empty());
  for (const KindStatus& status : snapshot.status) {
    EXPECT_EQ(status.error->kind, ErrorKind::kExhausted);
    EXPECT_EQ(status.created, std::nullopt);
  }
}

TEST_F(SnapshotReaderTest, OwnObjectsAreMarked) {
  AddOneOfEach();
  Start();
  const Snapshot snapshot = Take();
  const auto self = [](const auto& object) { return object.self; };
  EXPECT_EQ(std::ranges::count_if(snapshot.programs, self), 3);
  EXPECT_EQ(std::ranges::count_if(snapshot.maps, self), 3);
  EXPECT_EQ(std::ranges::count_if(snapshot.links, self), 3);
  EXPECT_FALSE(Find(snapshot.programs, 1)->self);
  EXPECT_FALSE(Find(snapshot.maps, 1)->self);
  EXPECT_FALSE(Find(snapshot.links, 1)->self);
}

TEST_F(SnapshotReaderTest, WhatThisProcessLoadedElsewhereIsMarkedToo) {
  AddProgram(1).map_ids = {1};
  AddMap(1);
  AddLink(1, BPF_LINK_TYPE_TRACING).info.prog_id = 1;
  AddProgram(2).map_ids = {2};
  AddMap(2);
  AddLink(2, BPF_LINK_TYPE_TRACING).info.prog_id = 2;
  Start({.source = SourceChoice::kSyscall});
  reader_->SetOwnPrograms({1});
  const Snapshot snapshot = Take();
  for (const uint32_t id : {1u, 2u}) {
    EXPECT_EQ(Find(snapshot.programs, id)->self, id == 1);
    EXPECT_EQ(Find(snapshot.maps, id)->self, id == 1);
    EXPECT_EQ(Find(snapshot.links, id)->self, id == 1);
  }
}

TEST_F(SnapshotReaderTest, WithoutOwnProgramsNobodyIsMarked) {
  AddOneOfEach();
  Start({.source = SourceChoice::kSyscall});
  EXPECT_FALSE(Take().programs.at(0).self);
}

TEST_F(SnapshotReaderTest, BtfObjectsAreOpenedOnce) {
  AddOneOfEach();
  sys_.btf[2].data.resize(4);
  Start();
  Take();
  EXPECT_EQ(sys_.Calls(Method::kOpenById, ObjectKind::kBtf), 2);
  sys_.btf.erase(1);
  sys_.btf[3].data.resize(4);
  EXPECT_THAT(Ids(Take().btf), ElementsAre(2, 3));
  EXPECT_EQ(sys_.Calls(Method::kOpenById, ObjectKind::kBtf), 3);
}

TEST_F(SnapshotReaderTest, FeaturesOnceSeenStay) {
  AddMap(1, BPF_MAP_TYPE_HASH).record_known = MAP_KNOWS_ENTRIES;
  AddMap(2, BPF_MAP_TYPE_RINGBUF);
  Start();
  const Snapshot first = Take();
  EXPECT_EQ(FeatureOf(first, "map_memory", "fdinfo"), true);
  EXPECT_EQ(FeatureOf(first, "map_entries", "iterator"), true);
  EXPECT_EQ(FeatureOf(first, "map_buffers", "iterator"), false);
  EXPECT_EQ(FeatureOf(first, "program_run_stats", "iterator"), true);
  sys_.maps.erase(1);
  sys_.maps[2].record_known = MAP_KNOWS_BACKLOG;
  const Snapshot second = Take();
  EXPECT_EQ(FeatureOf(second, "map_entries", "iterator"), true);
  EXPECT_EQ(FeatureOf(second, "map_buffers", "iterator"), true);
}

TEST_F(SnapshotReaderTest, Fault23LoadTimesDoNotMoveWithTheClock) {
  AddProgram(1);
  Start();
  const auto first = Take().programs.at(0).load_time_ns;
  clock_.wall_ns += 1'000'000'001;
  clock_.boot_ns += 1'000'000'000;
  EXPECT_EQ(Take().programs.at(0).load_time_ns, first);
}

}  // namespace
}  // namespace bpftally
