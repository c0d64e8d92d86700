#include "daemon/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "collect/census_view.h"
#include "model/metric_batch.h"

namespace bpftally {
namespace {

using testing::HasSubstr;

Result<std::string> Broken() {
  return std::unexpected(Error{ErrorKind::kInvalid, 0, "a.yaml:1:1: no mapping"});
}

bool Nothing() { return false; }

double ValueOf(const Control& control, std::string_view name) {
  MetricBatch batch;
  const auto collector = MakeReloadCollector([&] { return control.status(); });
  const Snapshot snapshot;
  EXPECT_TRUE(collector->Collect(CensusViewBuilder({}).Build(snapshot), batch));
  for (const MetricFamily& family : batch.families()) {
    if (family.spec.name == name)
      return std::visit([](auto value) { return static_cast<double>(value); },
                        family.samples.at(0).value);
  }
  ADD_FAILURE() << "no family " << name;
  return -1;
}

constexpr std::string_view kSuccessful = "bpftally_config_last_reload_successful";
constexpr std::string_view kWhen = "bpftally_config_last_reload_success_timestamp_seconds";

TEST(Control, TheStartCountsAsASuccess) {
  const Control control(SystemClock());
  EXPECT_EQ(ValueOf(control, kSuccessful), 1);
  EXPECT_GT(ValueOf(control, kWhen), 1e9);
}

TEST(Control, Fault25AFailedReloadIsToldUntilOneSucceeds) {
  bool broken = true;
  Control control(SystemClock());
  ASSERT_TRUE(
      control.Start([&] { return broken ? Broken() : Result<std::string>("all"); }, Nothing));
  const double at_start = ValueOf(control, kWhen);
  const Result<void> failed = control.Reload();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("a.yaml:1:1"));
  EXPECT_EQ(ValueOf(control, kSuccessful), 0);
  EXPECT_EQ(ValueOf(control, kWhen), at_start);
  EXPECT_THAT(control.status().message, HasSubstr("a.yaml:1:1"));

  broken = false;
  EXPECT_TRUE(control.Reload());
  EXPECT_EQ(ValueOf(control, kSuccessful), 1);
  EXPECT_GT(ValueOf(control, kWhen), at_start);
  EXPECT_EQ(control.status().message, "");
}

TEST(Control, ReloadsAreOneAfterAnotherOnOneThread) {
  std::vector<std::thread::id> threads;  // a race would show under TSan
  Control control(SystemClock());
  ASSERT_TRUE(control.Start(
      [&]() -> Result<std::string> {
        threads.push_back(std::this_thread::get_id());
        return "";
      },
      Nothing));
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 8; ++i) callers.emplace_back([&] { EXPECT_TRUE(control.Reload()); });
  }
  EXPECT_EQ(threads.size(), 8u);
  for (const std::thread::id id : threads) EXPECT_EQ(id, threads[0]);
}

TEST(Control, TidiesUntilAllIsFree) {
  std::atomic<int> left = 3;
  std::latch tidy(1);
  Control control(SystemClock());
  ASSERT_TRUE(control.Start([]() -> Result<std::string> { return ""; },
                            [&] {
                              if (--left > 0) return true;
                              tidy.count_down();
                              return false;
                            }));
  control.RequestReload();
  tidy.wait();
  EXPECT_EQ(left, 0);
}

TEST(Control, TheEndDoesNotWaitForWhatIsInTheQueue) {
  std::latch began(1);
  std::latch go_on(1);
  {
    Control control(SystemClock());
    ASSERT_TRUE(control.Start(
        [&]() -> Result<std::string> {
          began.count_down();
          go_on.wait();
          return "";
        },
        Nothing));
    control.RequestReload();
    began.wait();
    control.RequestReload();  // still in the queue at the end
    go_on.count_down();
  }
}

}  // namespace
}  // namespace bpftally
