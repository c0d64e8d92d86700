// Tests changes of the table with the real kernel: counts of programs that stay go on, and removed
// programs leave nothing behind.

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/own_process.h"
#include "host/cgroup_root.h"
#include "programs/plan/sources.h"
#include "programs/run/table_fixture.h"

namespace bpftally {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Counts calls of getppid by one of the maps of event_source.
SourcePlan CallsBy(const std::string& map) {
  return EventCounterOf(map, map, {{"third", {0, 4}, {{.name = "uint"}}}}, 4);
}

class TableReloadTest : public TableTest {
 protected:
  void SetUp() override {
    TableTest::SetUp();
    if (IsSkipped()) return;
    MakeTable();
    ASSERT_TRUE(table_->Start());
  }

  static ProgramPlan EventPlan(std::vector<SourcePlan> sources) {
    ProgramPlan plan = PlanOf("event_source");
    plan.sources = std::move(sources);
    plan.self = {.prefix = "ebpf_exporter_"};
    return plan;
  }

  void AddEventSource(std::vector<SourcePlan> sources) {
    const LoadedProgram* loaded = AddToTable(EventPlan(std::move(sources)));
    ASSERT_NE(loaded, nullptr);
    SetAt(*loaded, "wanted_process", 0, static_cast<uint32_t>(::getpid()));
  }

  ChangeReport Reload(std::vector<ProgramPlan> plans) {
    auto report = table_->Reload(std::move(plans));
    if (report) return *std::move(report);
    ADD_FAILURE() << report.error().message;
    return {};
  }

  static void Call(int times) {
    for (int i = 0; i < times; ++i) ::getppid();
  }
};

TEST_F(TableReloadTest, EventsGoOnWhereOnlyAnotherMetricChanged) {
  ASSERT_NO_FATAL_FAILURE(AddEventSource({CallsBy("calls_by_ring")}));
  const uint32_t id = table_->List()[0].functions.at(0).attach.id;
  Call(300);
  ExpectLinesSoon("calls_by_ring",
                  {"calls_by_ring{third=\"0\"} 100", "calls_by_ring{third=\"1\"} 100",
                   "calls_by_ring{third=\"2\"} 100"});
  const auto report = Reload({EventPlan({CallsBy("calls_by_perf"), CallsBy("calls_by_ring")})});
  EXPECT_THAT(report.adopted, ElementsAre("event_source"));
  EXPECT_EQ(table_->List()[0].functions.at(0).attach.id, id);
  Call(3);
  ExpectLinesSoon("calls_by_ring",
                  {"calls_by_ring{third=\"0\"} 101", "calls_by_ring{third=\"1\"} 101",
                   "calls_by_ring{third=\"2\"} 101"});
  ExpectLinesSoon("calls_by_perf", {"calls_by_perf{third=\"0\"} 1", "calls_by_perf{third=\"1\"} 1",
                                    "calls_by_perf{third=\"2\"} 1"});
}

TEST_F(TableReloadTest, WhatIsRemovedLeavesNoDescriptorAndNoThread) {
  const size_t threads = ThreadsAtRest();
  // libbpf keeps what it learns at the first load.
  ASSERT_NO_FATAL_FAILURE(AddEventSource({CallsBy("calls_by_ring"), CallsBy("calls_by_perf")}));
  ASSERT_TRUE(table_->Remove("event_source"));
  const size_t descriptors = Descriptors();
  EXPECT_TRUE(SoonHasThreads(threads));
  ASSERT_NO_FATAL_FAILURE(AddEventSource({CallsBy("calls_by_ring"), CallsBy("calls_by_perf")}));
  EXPECT_TRUE(SoonHasThreads(threads + 1)) << "who takes events";
  EXPECT_TRUE(Collect());
  ASSERT_TRUE(table_->Remove("event_source"));
  EXPECT_EQ(Descriptors(), descriptors);
  EXPECT_TRUE(SoonHasThreads(threads));
  EXPECT_TRUE(Collect());
  EXPECT_THAT(table_->List(), IsEmpty());
}

TEST_F(TableReloadTest, ControlGroupsAreFollowedOnlyWhileTheProgramIsThere) {
  if (!FindCgroupRoot("/proc/self/mounts")) GTEST_SKIP() << "cgroup v2 is missing";
  ProgramPlan plan = PlanOf("cgroup_maps");
  plan.cgroup_id_map = {.name = "wanted_by_id", .type = "hash", .regexps = {".*"}};
  const size_t threads = ThreadsAtRest();
  ASSERT_NE(AddToTable(plan), nullptr);
  EXPECT_TRUE(SoonHasThreads(threads + 1));
  ASSERT_TRUE(table_->Remove("cgroup_maps"));
  EXPECT_TRUE(SoonHasThreads(threads));
}

}  // namespace
}  // namespace bpftally
