// Tests which programs a change of the table leaves alone or replaces, and what happens if it
// fails.

#include <unistd.h>

#include <fstream>
#include <thread>

#include "programs/run/fake_programs.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ProgramTableReloadTest : public FakeProgramsTest {
 protected:
  void TearDown() override { ::unlink(object_.c_str()); }

  std::unique_ptr<FakeLoadedProgram> Counts(uint64_t value) {
    return Loaded({MakeMap("counts", {{1, value}})});
  }

  ProgramPlan Plan(std::string name = "a") {
    return {.name = std::move(name), .object = object_, .sources = {Counter("hits")}};
  }

  // Makes a plan whose label is "one" in place of "1".
  ProgramPlan PlanWithNames() {
    ProgramPlan plan = Plan();
    plan.sources[0].metrics[0].labels[0].decoders.push_back(
        {.name = "static_map", .argument = TextMap{{"1", "one"}}});
    return plan;
  }

  void WriteObject(std::string_view content) const { std::ofstream(object_) << content; }

  ChangeReport Reload(std::vector<ProgramPlan> plans) {
    auto report = table_.Reload(std::move(plans));
    if (report) return *std::move(report);
    ADD_FAILURE() << report.error().message;
    return {};
  }

  const std::string object_ =
      testing::TempDir() + "bpftally_reload_" + std::to_string(::getpid()) + ".bpf.o";
  ProgramTable table_{Host(), {}};
};

TEST_F(ProgramTableReloadTest, WhatMeansTheSameIsLeftAlone) {
  SetNext("a", Counts(10));
  EXPECT_THAT(Reload({Plan()}).added, ElementsAre("a"));
  const auto before = (*table_.Instances())[0];
  ProgramPlan moved = Plan();
  moved.sources[0].metrics[0].at = {17, 4};  // as if a comment was put before it
  EXPECT_THAT(Reload({moved}).kept, ElementsAre("a"));
  EXPECT_EQ((*table_.Instances())[0], before);
  EXPECT_EQ(loads_, 1);
}

TEST_F(ProgramTableReloadTest, WhatIsReadInAnotherWayKeepsItsObjectAndItsCounts) {
  SetNext("a", Counts(10));
  Reload({Plan()});
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Reload({PlanWithNames()}).adopted, ElementsAre("a"));
  EXPECT_EQ(loads_, 1);
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=one 10"));
}

TEST_F(ProgramTableReloadTest, AnotherHelpTextKeepsWhatTheMetricHasCounted) {
  ProgramPlan plan = Plan();
  plan.sources[0].metrics[0].labels[0].decoders = {{.name = "no_such_decoder"}};
  SetNext("a", Counts(10));
  Reload({plan});
  EXPECT_TRUE(Collect(table_));
  plan.sources[0].metrics[0].help = "Another.";
  EXPECT_THAT(Reload({plan}).adopted, ElementsAre("a"));
  EXPECT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              ElementsAre("config=a,metric=hits,reason=invalid 2"));
}

TEST_F(ProgramTableReloadTest, AnotherObjectOfTheSameNameReplacesIt) {
  WriteObject("one");
  SetNext("a", Counts(10));
  Reload({Plan()});
  WriteObject("two");
  SetNext("a", Counts(20));
  EXPECT_THAT(Reload({Plan()}).replaced, ElementsAre("a"));
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 20"));
}

TEST_F(ProgramTableReloadTest, WhatIsNoLongerWantedIsRemovedAndTheOthersStay) {
  std::atomic<bool> gone = false;
  auto loaded = Counts(10);
  loaded->gone_ = &gone;
  SetNext("a", std::move(loaded));
  SetNext("b", Counts(20));
  ProgramPlan other = Plan("b");
  other.sources[0].metrics[0].name = "others";
  Reload({Plan(), other});
  const ChangeReport report = Reload({other});
  EXPECT_THAT(report.removed, ElementsAre("a"));
  EXPECT_THAT(report.kept, ElementsAre("b"));
  EXPECT_TRUE(gone);
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("hits"), ElementsAre("no family hits"));
  EXPECT_THAT(Lines("others"), ElementsAre("id=1 20"));
}

TEST_F(ProgramTableReloadTest, WhatAPollStillReadsGoesAfterIt) {
  std::atomic<bool> gone = false;
  auto loaded = Counts(10);
  loaded->gone_ = &gone;
  Add(table_, Plan(), std::move(loaded));
  auto polled = table_.Instances();  // the list that a poll takes
  ASSERT_TRUE(table_.Remove("a"));
  EXPECT_EQ(polled->front()->Status().state, InstanceState::kStopping);
  EXPECT_TRUE(table_.LetGo()) << "some is still read";
  EXPECT_FALSE(gone);
  std::thread([&] { polled.reset(); }).join();
  EXPECT_FALSE(gone) << "whoever polls must not detach";
  EXPECT_FALSE(table_.LetGo());
  EXPECT_TRUE(gone);
}

TEST_F(ProgramTableReloadTest, AConflictEndsWithTheOtherProgram) {
  ProgramPlan other = Plan("b");
  other.sources[0].metrics[0].help = "Something else.";
  SetNext("a", Counts(10));
  SetNext("b", Counts(20));
  Reload({Plan(), other});
  EXPECT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10"));
  ASSERT_TRUE(table_.Remove("a"));
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 20"));
}

TEST_F(ProgramTableReloadTest, Fault25ARefusedStrictReloadChangesNothing) {
  SetNext("a", Counts(10));
  SetNext("b", Counts(20));
  Reload({Plan(), Plan("b")});
  const auto before = *table_.Instances();
  SetNext("c", std::unexpected(Error{ErrorKind::kUnsupported, 0, "refused"}));
  const auto failed = table_.Reload({PlanWithNames(), Plan("c")}, {.strict = true});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "c: refused");
  EXPECT_EQ(*table_.Instances(), before);
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10"));
}

TEST_F(ProgramTableReloadTest, Fault25APrivilegeThatIsGoneChangesNothing) {
  SetNext("a", Counts(10));
  Reload({Plan()});
  SetNext("b", std::unexpected(Error{ErrorKind::kPermission, EPERM, "needs CAP_BPF"}));
  const auto failed = table_.Reload({Plan("b")}, {.needs_permission = true});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kPermission);
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10"));
}

TEST_F(ProgramTableReloadTest, WhatTheKernelRefusedIsTriedAgain) {
  AddFailed(table_, Plan());
  EXPECT_EQ(table_.List()[0].state, InstanceState::kFailed);
  EXPECT_THAT(table_.List()[0].problem, HasSubstr("refused"));
  Add(table_, Plan("b"), Counts(20));
  SetNext("a", Counts(10));
  ProgramPlan plan = Plan();
  plan.self = {.prefix = "ebpf_exporter_"};
  EXPECT_THAT(Reload({plan}).replaced, ElementsAre("a"));
  EXPECT_EQ(table_.List()[0].state, InstanceState::kLoading);
}

// Imitates an XDP program, of which an interface takes only one.
TEST_F(ProgramTableReloadTest, WhatCannotBeBesideItsPredecessorComesAfterIt) {
  WriteObject("one");
  std::atomic<bool> gone = false;
  auto first = Counts(10);
  first->gone_ = &gone;
  SetNext("a", std::move(first));
  Reload({Plan()});
  WriteObject("two");
  auto busy = Counts(20);
  busy->statuses_ = {{.program = "on_packet",
                      .id = 7,
                      .error = Error{ErrorKind::kUnsupported, EBUSY, "something is attached"}}};
  SetNext("a", std::move(busy));
  SetNext("a", Counts(30));
  const ChangeReport report = Reload({Plan()});
  EXPECT_THAT(report.replaced, ElementsAre("a"));
  EXPECT_THAT(report.said, IsEmpty());
  EXPECT_TRUE(gone);
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 30"));
}

TEST_F(ProgramTableReloadTest, TheStateSaysHowMuchRuns) {
  Add(table_, Plan(), Counts(10));
  EXPECT_EQ(table_.List()[0].state, InstanceState::kLoading);
  ASSERT_TRUE(table_.Start());
  EXPECT_EQ(table_.List()[0].state, InstanceState::kRunning);
  sys_.Inject({.method = Method::kLookupBatch, .sys_errno = EPERM, .times = 1});
  EXPECT_FALSE(Collect(table_));
  EXPECT_EQ(table_.List()[0].state, InstanceState::kDegraded);
  EXPECT_THAT(table_.List()[0].problem, HasSubstr("hits: "));
  EXPECT_TRUE(Collect(table_));
  EXPECT_EQ(table_.List()[0].state, InstanceState::kRunning);
}

TEST_F(ProgramTableReloadTest, ANameThatIsNotThereCannotBeRemoved) {
  const auto removed = table_.Remove("nobody");
  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().message, HasSubstr("nobody"));
}

TEST_F(ProgramTableReloadTest, ChangesOfAMetricAreSaidOnce) {
  Add(table_, Plan(), Counts(10));
  sys_.Inject({.method = Method::kLookupBatch, .sys_errno = EPERM, .times = 2});
  EXPECT_FALSE(Collect(table_));
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_THAT(said_[0].text, HasSubstr("metric hits is missing"));
  EXPECT_FALSE(Collect(table_));
  EXPECT_TRUE(said_.empty());
  EXPECT_TRUE(Collect(table_));
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_THAT(said_[0].text, HasSubstr("there again"));
}

}  // namespace
}  // namespace bpftally
