#include "census/reader_fixture.h"

// What a reader makes out of several passes: whether run statistics are on, how much was created.

namespace bpftally {
namespace {

class RunStatsTest : public BothSourcesTest {
 protected:
  RunStatsTest() {
    AddProgram(1).info.run_cnt = 5;
    sys_.programs[1].info.run_time_ns = 500;
  }
  void ExpectStats(std::optional<bool> state) {
    const Snapshot snapshot = Take();
    EXPECT_EQ(snapshot.stats_enabled, state);
    const ProgramInfo& program = snapshot.programs.at(0);
    EXPECT_EQ(program.run_count.has_value(), state == true);
    EXPECT_EQ(program.run_time_ns.has_value(), state == true);
    EXPECT_TRUE(program.recursion_misses.has_value());  // counted always
  }
};

INSTANTIATE_TEST_SUITE_P(, RunStatsTest,
                         ::testing::Values(SourceChoice::kAuto, SourceChoice::kSyscall),
                         SourceChoiceName);

TEST_P(RunStatsTest, OffMeansUnknown) {
  Start({.source = GetParam()});
  ExpectStats(false);
}

TEST_P(RunStatsTest, AnUnreadableSysctlIsNotOff) {
  sys_.files.erase(kStatsSysctl);
  Start({.source = GetParam()});
  ExpectStats(std::nullopt);
}

TEST_P(RunStatsTest, OnByTheSysctlAndOffAgain) {
  Start({.source = GetParam()});
  ExpectStats(false);
  sys_.files[kStatsSysctl] = "1\n";
  ExpectStats(true);
  sys_.files[kStatsSysctl] = "0\n";
  ExpectStats(false);
}

TEST_P(RunStatsTest, OnByOurOwnDescriptor) {
  Start({.source = GetParam(), .run_stats = true});
  ExpectStats(true);
  sys_.files.erase(kStatsSysctl);
  ExpectStats(true);
}

TEST_P(RunStatsTest, OnByAnotherProcess) {
  if (GetParam() == SourceChoice::kSyscall) {  // no program of our own runs there
    Start({.source = GetParam()});
    sys_.others_stats = true;
    ExpectStats(false);
    return;
  }
  Start();
  ExpectStats(false);
  sys_.others_stats = true;
  ExpectStats(true);
  ExpectStats(true);
  sys_.others_stats = false;
  ExpectStats(false);
  sys_.others_stats = true;
  sys_.files.erase(kStatsSysctl);
  ExpectStats(true);
}

class CreatedTest : public BothSourcesTest {
 protected:
  std::optional<uint64_t> Created(ObjectKind kind) { return Take().StatusOf(kind).created; }
};

INSTANTIATE_TEST_SUITE_P(, CreatedTest,
                         ::testing::Values(SourceChoice::kAuto, SourceChoice::kSyscall),
                         SourceChoiceName);

TEST_P(CreatedTest, CountsTheGrowthOfTheHighestId) {
  AddMap(10);
  Start({.source = GetParam()});
  const uint32_t highest = sys_.maps.rbegin()->first;
  EXPECT_EQ(Created(ObjectKind::kMap), 0u);
  AddMap(highest + 1);
  EXPECT_EQ(Created(ObjectKind::kMap), 1u);
  sys_.maps.erase(highest + 1);
  EXPECT_EQ(Created(ObjectKind::kMap), 1u);  // gone, yet it was made
  AddMap(highest + 6);                       // four came and went unseen
  EXPECT_EQ(Created(ObjectKind::kMap), 6u);
  EXPECT_EQ(Created(ObjectKind::kProgram), 0u);
}

TEST_P(CreatedTest, AnEmptyKindStartsAtNothing) {
  Start({.source = GetParam()});
  EXPECT_EQ(Created(ObjectKind::kBtf), 0u);
  sys_.btf[3].data.resize(4);
  EXPECT_EQ(Created(ObjectKind::kBtf), 3u);
}

TEST_P(CreatedTest, AFirstWalkThatIsCutShortDoesNotMakeTheRestNew) {
  for (uint32_t id = 1; id <= 50; ++id) AddMap(id);
  Start({.source = GetParam()});
  sys_.Inject(
      {.method = Method::kOpenById, .sys_errno = EMFILE, .kind = ObjectKind::kMap, .id = 3});
  EXPECT_EQ(Created(ObjectKind::kMap), std::nullopt);
  sys_.ClearFaults();
  EXPECT_EQ(Created(ObjectKind::kMap), 0u);
  sys_.Inject(
      {.method = Method::kOpenById, .sys_errno = EMFILE, .kind = ObjectKind::kMap, .id = 3});
  EXPECT_EQ(Created(ObjectKind::kMap), 0u);  // and a later one does not take it back
}

}  // namespace
}  // namespace bpftally
