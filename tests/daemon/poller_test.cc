#include "daemon/poller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "daemon/fakes.h"

namespace bpftally {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

std::optional<int64_t> TakeOf(const PollResult& result) {
  for (const MetricFamily& family : result.batch.families()) {
    if (family.spec.name == "take_alpha") return std::get<int64_t>(family.samples.at(0).value);
  }
  return std::nullopt;
}

std::vector<std::pair<std::string, uint64_t>> Success(const PollResult& result) {
  std::vector<std::pair<std::string, uint64_t>> values;
  for (const MetricFamily& family : result.batch.families()) {
    if (family.spec.name != "bpftally_collector_success") continue;
    for (const Sample& sample : family.samples)
      values.emplace_back(std::string(sample.labels[0]), std::get<uint64_t>(sample.value));
  }
  return values;
}

class PollerTest : public testing::Test {
 protected:
  Poller& Start(PollerOptions options = {}) {
    poller_.emplace(std::make_unique<FakeSource>(script_), TwoCollectors(clock_), clock_, options,
                    [this](const PollResult&) { ++observed_; });
    return *poller_;
  }

  // Waits for the poll at start without asking: if it is cut short, asking would begin another.
  Poller& StartAndSettle(PollerOptions options = {}) {
    Poller& poller = Start(options);
    const auto patience = std::chrono::steady_clock::now() + seconds(10);
    while (poller.Last() == nullptr && std::chrono::steady_clock::now() < patience)
      std::this_thread::yield();
    return poller;
  }

  std::chrono::steady_clock::time_point In(nanoseconds time) const { return clock_.Now() + time; }

  ~PollerTest() override { script_.Release(); }

  FakeClock clock_;
  SourceScript script_;
  std::atomic<int> observed_ = 0;
  std::optional<Poller> poller_;
};

TEST_F(PollerTest, LooksOnceAtStartUnasked) {
  Poller& poller = Start();
  ASSERT_TRUE(script_.WaitForTakes(1));
  const auto result = poller.Poll(seconds(1), In(seconds(10)));
  EXPECT_EQ(TakeOf(*result), 1);
  EXPECT_EQ(script_.takes(), 1);
  EXPECT_THAT(Success(*result),
              testing::ElementsAre(testing::Pair("alpha", 1), testing::Pair("beta", 1)));
}

TEST_F(PollerTest, LastIsNullBeforeTheFirstLookEnds) {
  script_.Hold();
  Poller& poller = Start();
  ASSERT_TRUE(script_.WaitForTakes(1));
  EXPECT_EQ(poller.Last(), nullptr);
  script_.Release();
  poller.Poll(seconds(1), In(seconds(10)));
  EXPECT_NE(poller.Last(), nullptr);
}

TEST_F(PollerTest, ReusesAResultUpToItsAgeAndNotBeyond) {
  Poller& poller = StartAndSettle();
  clock_.Advance(seconds(1));
  EXPECT_EQ(TakeOf(*poller.Poll(seconds(1), In(seconds(10)))), 1);
  clock_.Advance(nanoseconds(1));
  EXPECT_EQ(TakeOf(*poller.Poll(seconds(1), In(seconds(10)))), 2);
}

TEST_F(PollerTest, ManyRequestsAtOnceShareOnePoll) {
  Poller& poller = StartAndSettle();
  clock_.Advance(seconds(5));
  script_.Hold();
  std::vector<std::future<std::shared_ptr<const PollResult>>> askers;
  for (int i = 0; i < 8; ++i) {
    askers.push_back(
        std::async(std::launch::async, [&] { return poller.Poll(seconds(1), In(seconds(10))); }));
  }
  ASSERT_TRUE(script_.WaitForTakes(2));
  script_.Release();
  std::vector<std::shared_ptr<const PollResult>> results;
  for (auto& asker : askers) results.push_back(asker.get());
  EXPECT_THAT(results, testing::Each(testing::Eq(results.front())));
  EXPECT_EQ(TakeOf(*results.front()), 2);
  EXPECT_EQ(script_.takes(), 2);
}

TEST_F(PollerTest, APollHasTheRequestsDeadlineLessAReserve) {
  Poller& poller = StartAndSettle();
  clock_.Advance(seconds(5));
  poller.Poll(seconds(1), In(seconds(8)));
  EXPECT_EQ(script_.deadline(), In(seconds(8) - milliseconds(250)));
  clock_.Advance(seconds(5));
  poller.Poll(seconds(1), In(milliseconds(1400)));
  EXPECT_EQ(script_.deadline(), In(milliseconds(1150)));
}

TEST_F(PollerTest, Fault18SaysThatAllFailedWhenTheKernelHangs) {
  Poller& poller = StartAndSettle();
  clock_.Advance(seconds(5));
  script_.Hold();
  const auto result = poller.Poll(seconds(1), In(milliseconds(20)));
  EXPECT_TRUE(result->cut_short);
  EXPECT_EQ(TakeOf(*result), std::nullopt);
  EXPECT_THAT(Success(*result),
              testing::ElementsAre(testing::Pair("alpha", 0), testing::Pair("beta", 0)));
}

TEST_F(PollerTest, APollThatIsLateServesTheNextRequest) {
  Poller& poller = StartAndSettle();
  clock_.Advance(seconds(5));
  script_.Hold();
  poller.Poll(seconds(1), In(milliseconds(20)));
  script_.Release();
  EXPECT_EQ(TakeOf(*poller.Poll(seconds(1), In(seconds(10)))), 2);
  EXPECT_EQ(script_.takes(), 2);
}

TEST_F(PollerTest, APollCutShortIsReturnedButNotReused) {
  script_.MakeIncomplete(ErrorKind::kExhausted);
  Poller& poller = StartAndSettle();
  const auto result = poller.Poll(seconds(60), In(seconds(10)));
  EXPECT_TRUE(result->cut_short);
  EXPECT_EQ(TakeOf(*result), 2);
  EXPECT_THAT(Success(*result),
              testing::ElementsAre(testing::Pair("alpha", 0), testing::Pair("beta", 0)));
}

class Impatience : public PollerTest {
 protected:
  using Asked = std::future<std::shared_ptr<const PollResult>>;

  Asked Ask(nanoseconds patience) {
    return std::async(std::launch::async,
                      [this, patience] { return poller_->Poll(seconds(1), In(patience)); });
  }

  // Somebody with little time asks, and while that poll is under way somebody with more.
  void SetUp() override {
    StartAndSettle();
    clock_.Advance(seconds(5));
    script_.Hold();
    hasty_ = Ask(seconds(2));
    ASSERT_TRUE(script_.WaitForTakes(2));
    patient_ = Ask(seconds(10));
    std::this_thread::sleep_for(milliseconds(20));  // most likely it waits by then
  }

  Asked hasty_;
  Asked patient_;
};

TEST_F(Impatience, OfOneIsNotPaidForByAnother) {
  script_.MakeIncomplete(ErrorKind::kExhausted, 2);
  script_.Release();
  const auto whole = patient_.get();
  EXPECT_EQ(TakeOf(*whole), 3);
  EXPECT_FALSE(whole->cut_short);
  EXPECT_EQ(script_.deadline(), In(seconds(10) - milliseconds(250)));
}

TEST_F(Impatience, DoesNoHarmIfThePollIsComplete) {
  script_.Release();
  EXPECT_EQ(hasty_.get(), patient_.get());
  poller_.reset();
  EXPECT_EQ(script_.takes(), 2);
}

TEST_F(Impatience, OfAllMeansThatTheyGetWhatThereIs) {
  script_.MakeIncomplete(ErrorKind::kExhausted);
  script_.Release();
  EXPECT_TRUE(hasty_.get()->cut_short);
  EXPECT_EQ(TakeOf(*patient_.get()), 3);
}

TEST_F(PollerTest, APollHasAMinimumTime) {
  Poller& poller = StartAndSettle();
  clock_.Advance(seconds(5));
  poller.Poll(seconds(1), In(nanoseconds(1)));
  ASSERT_TRUE(script_.WaitForTakes(2));
  EXPECT_EQ(script_.deadline(), In(milliseconds(750)));
}

TEST_F(PollerTest, ReusesAPollThatLacksAPermissionForGood) {
  script_.MakeIncomplete(ErrorKind::kPermission);
  Poller& poller = StartAndSettle();
  EXPECT_EQ(TakeOf(*poller.Poll(seconds(60), In(seconds(10)))), 1);
  EXPECT_EQ(script_.takes(), 1);
}

TEST_F(PollerTest, TicksAnIntervalAfterTheLastPoll) {
  constexpr milliseconds kInterval(5);
  StartAndSettle({.interval = kInterval});
  for (int take = 2; take < 5; ++take) {
    clock_.Advance(kInterval);
    ASSERT_TRUE(script_.WaitForTakes(take));
    EXPECT_EQ(script_.takes(), take);
  }
}

TEST_F(PollerTest, DoesNotTickBeforeTheIntervalHasPassed) {
  Poller& poller = StartAndSettle({.interval = milliseconds(5)});
  clock_.Advance(milliseconds(4));
  // The thread wakes up of itself in between, and finds that it is too early.
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_EQ(script_.takes(), 1);
  EXPECT_EQ(TakeOf(*poller.Last()), 1);
}

TEST_F(PollerTest, ATickHasItsOwnBudget) {
  StartAndSettle({.interval = milliseconds(5), .tick_budget = seconds(4)});
  clock_.Advance(milliseconds(5));
  ASSERT_TRUE(script_.WaitForTakes(2));
  EXPECT_EQ(script_.deadline(), In(seconds(4) - milliseconds(250)));
}

TEST_F(PollerTest, StopAnswersWhoWaits) {
  Poller& poller = StartAndSettle();
  clock_.Advance(seconds(5));
  script_.Hold();
  auto asker = std::async(std::launch::async,
                          [&] { return poller.Poll(seconds(1), In(std::chrono::hours(1))); });
  ASSERT_TRUE(script_.WaitForTakes(2));
  poller.Stop();
  ASSERT_EQ(asker.wait_for(seconds(10)), std::future_status::ready);
  EXPECT_TRUE(asker.get()->cut_short);
  script_.Release();
}

TEST_F(PollerTest, NoPollBeginsAfterStop) {
  Poller& poller = StartAndSettle();
  poller.Stop();
  clock_.Advance(seconds(5));
  EXPECT_TRUE(poller.Poll(seconds(1), In(seconds(10)))->cut_short);
  poller_.reset();
  EXPECT_EQ(script_.takes(), 1);
}

TEST_F(PollerTest, ObservesEveryPollWithItsCollectors) {
  Poller& poller = StartAndSettle();
  clock_.Advance(seconds(5));
  const auto result = poller.Poll(seconds(1), In(seconds(10)));
  EXPECT_EQ(observed_, 2);
  ASSERT_EQ(result->collectors.size(), 2);
  EXPECT_EQ(result->collectors[1].name, "beta");
  EXPECT_EQ(result->collectors[1].success, true);
  EXPECT_EQ(result->snapshot->status[0].source, Source::kSyscall);
}

// For the thread sanitizer: everything that threads share, at once.
TEST_F(PollerTest, SurvivesAskersReadersAndTicksAtOnce) {
  Poller& poller = Start({.interval = std::chrono::microseconds(100)});
  std::vector<std::future<bool>> askers;
  for (int i = 0; i < 4; ++i) {
    askers.push_back(std::async(std::launch::async, [&] {
      bool good = true;
      for (int j = 0; j < 200; ++j) {
        clock_.Advance(milliseconds(1));
        good &= TakeOf(*poller.Poll(nanoseconds(0), In(std::chrono::hours(1)))).has_value();
        good &= poller.Last() != nullptr && !poller.Last()->collectors.empty();
      }
      return good;
    }));
  }
  EXPECT_TRUE(std::ranges::all_of(askers, [](auto& asker) { return asker.get(); }));
}

}  // namespace
}  // namespace bpftally
