// Loads and unloads a thousand times while another thread polls: nothing is left behind, and the
// program that stays is in every poll.

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "base/own_process.h"
#include "programs/plan/sources.h"
#include "programs/run/table_fixture.h"

namespace bpftally {
namespace {

#ifdef BPFTALLY_SANITIZED
constexpr int kRounds = 200;  // a round takes several times as long here
#else
constexpr int kRounds = 1000;
#endif
constexpr int kRoundsAtOnce = 100;  // then the kernel gets time to free what it keeps

class TableChurnTest : public TableTest {
 protected:
  static constexpr const char* kPasser = "passer";

  static ProgramPlan Plan(const std::string& name) {
    ProgramPlan plan = PlanOf("load_addresses");
    plan.name = name;
    plan.sources = {
        CounterOf(name + "_total", "constants", {{"place", {0, 4}, {{.name = "uint"}}}}, 4)};
    return plan;
  }

  // Returns the ids of the programs of one name that this table has loaded.
  std::set<uint32_t> IdsOf(std::string_view name) const {
    std::set<uint32_t> ids;
    for (const InstanceStatus& status : table_->List()) {
      if (status.name != name) continue;
      for (const FunctionStatus& function : status.functions) ids.insert(function.attach.id);
    }
    return ids;
  }

  // Waits: the kernel frees a program some time after its last user has gone.
  static bool WaitUntilFreed(const std::set<uint32_t>& ids) {
    const auto give_up = SystemClock().Now() + std::chrono::seconds(60);
    for (const uint32_t id : ids) {
      while (true) {
        const UniqueFd still_there(bpf_prog_get_fd_by_id(id));
        if (!still_there) break;
        if (SystemClock().Now() > give_up) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    }
    return true;
  }

  void LoadAndUnload(std::set<uint32_t>& ids) {
    ASSERT_TRUE(table_->Add(Plan(kPasser)));
    const auto new_ids = IdsOf(kPasser);
    ASSERT_FALSE(new_ids.empty());
    ids.insert(new_ids.begin(), new_ids.end());
    ASSERT_TRUE(table_->Remove(kPasser));
    // A poll may still use the last one, so never more than a few exist at once.
    while (table_->LetGo()) std::this_thread::yield();
  }

  size_t SamplesOf(std::string_view name) const {
    const auto family =
        std::ranges::find(batch_.families(), name, [](const auto& f) { return f.spec.name; });
    return family == batch_.families().end() ? 0 : family->samples.size();
  }
};

TEST_F(TableChurnTest, AThousandLoadsLeaveNothingAndDisturbNobody) {
  MakeTable();
  ASSERT_NE(AddToTable(Plan("stays")), nullptr);
  ASSERT_TRUE(table_->Start());
  std::set<uint32_t> ids;
  ASSERT_NO_FATAL_FAILURE(LoadAndUnload(ids));  // libbpf keeps what it learns at the first load
  const size_t descriptors = Descriptors();
  const size_t threads = ThreadsAtRest();

  std::atomic<bool> enough = false;
  std::atomic<int> polls = 0;
  std::atomic<int> gaps = 0;
  std::thread poller([&] {
    while (!enough) {
      if (!Collect() || SamplesOf("stays_total") == 0) ++gaps;
      ++polls;
    }
  });
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    LoadAndUnload(ids);
    if (round % kRoundsAtOnce == kRoundsAtOnce - 1) {
      EXPECT_TRUE(WaitUntilFreed(ids)) << "programs stay in the kernel";
      ids.clear();
    }
  }
  enough = true;
  poller.join();
  EXPECT_EQ(gaps, 0) << "of " << polls << " polls";
  EXPECT_GT(polls, 0);
  EXPECT_TRUE(WaitUntilFreed(ids));
  EXPECT_EQ(Descriptors(), descriptors);
  EXPECT_TRUE(SoonHasThreads(threads));
}

}  // namespace
}  // namespace bpftally
