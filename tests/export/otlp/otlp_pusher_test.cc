#include "export/otlp/otlp_pusher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "base/clock.h"
#include "e2e/process.h"
#include "export/otlp/otlp_fakes.h"

namespace bpftally {
namespace {

using Outcome = OtlpReply::Outcome;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::BatchOf;
using testing::FakeTransport;
using testing::TransportScript;

std::chrono::steady_clock::time_point In(std::chrono::nanoseconds time) {
  return SystemClock().Now() + time;
}

// Makes numbered batches and knows which of them are still held by somebody.
class NumberedBatches {
 public:
  std::shared_ptr<const MetricBatch> Next() {
    const std::lock_guard lock(mutex_);
    auto batch = BatchOf(3, ++count_);
    std::erase_if(alive_, [](const auto& old) { return old.expired(); });
    alive_.push_back(batch);
    most_alive_ = std::max(most_alive_, alive_.size());
    return batch;
  }

  int64_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  size_t most_alive() const {
    const std::lock_guard lock(mutex_);
    return most_alive_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<const MetricBatch>> alive_;
  size_t most_alive_ = 0;
  int64_t count_ = 0;
};

class Pusher : public ::testing::Test {
 protected:
  // Makes the logger before any thread, for ThreadSanitizer.
  void SetUp() override { spdlog::default_logger_raw(); }

  void Start(std::chrono::nanoseconds interval, size_t endpoints = 1) {
    OtlpOptions options{.interval = interval, .timeout = seconds(20)};
    std::vector<std::unique_ptr<OtlpTransport>> transports;
    for (size_t i = 0; i < endpoints; ++i) {
      options.endpoints.push_back({.address = "sink" + std::to_string(i) + ":1"});
      options.endpoints.back().timeout = seconds(20);
      transports.push_back(std::make_unique<FakeTransport>(scripts_.at(i)));
    }
    pusher_ = MakeOtlpPusher(options, std::move(transports), SystemClock());
    pusher_->Start([this](auto) { return batches_.Next(); },
                   [this](size_t most) {
                     std::vector<SpanRecord> spans(std::min(most, spans_.exchange(0)));
                     for (SpanRecord& span : spans) span.name = "span";
                     return spans;
                   });
  }

  int64_t LastValue(size_t endpoint = 0) const {
    const auto calls = scripts_.at(endpoint).calls();
    return calls.empty() || calls.back().values.empty() ? 0 : calls.back().values.front();
  }

  NumberedBatches batches_;
  std::atomic<size_t> spans_ = 0;  // number of waiting spans
  std::array<TransportScript, 2> scripts_;
  std::unique_ptr<OtlpPusher> pusher_;  // last: it uses all members above
};

TEST_F(Pusher, ExportsAtOnceAtEachIntervalAndAtTheEnd) {
  Start(hours(1));
  EXPECT_TRUE(Eventually([&] { return pusher_->Stats().front().succeeded == 1; }));
  EXPECT_EQ(LastValue(), 1);
  pusher_->Stop(In(seconds(5)));
  EXPECT_EQ(LastValue(), 2);
  EXPECT_EQ(pusher_->Stats().front().succeeded, 2U);

  Start(milliseconds(2));
  EXPECT_TRUE(Eventually([&] { return pusher_->Stats().front().succeeded > 20; }));
}

TEST_F(Pusher, Fault21KeepsOnlyTheNewestBatchOfAnAbsentReceiver) {
  scripts_[0].Always({.outcome = Outcome::kRetry, .message = "away"});
  Start(milliseconds(1));
  // Three calls suffice: each failure causes a delay of at least half a second.
  EXPECT_TRUE(Eventually([&] { return scripts_[0].calls().size() >= 3; }));
  scripts_[0].Always({.outcome = Outcome::kAccepted});
  EXPECT_TRUE(Eventually([&] { return pusher_->Stats().front().succeeded > 0; }));
  const auto calls = scripts_[0].calls();
  for (size_t i = 1; i < 3; ++i)
    EXPECT_GT(calls[i].values.front(), calls[i - 1].values.front()) << "an old batch was kept";
  EXPECT_LE(batches_.most_alive(), 3U);
}

TEST_F(Pusher, MemoryStaysFlatHoweverLongTheReceiverRefuses) {
  scripts_[0].Always({.outcome = Outcome::kRejected, .message = "never"});
  Start(milliseconds(1));
  EXPECT_TRUE(Eventually([&] { return batches_.count() > 500; }));
  EXPECT_LE(batches_.most_alive(), 3U);
  EXPECT_GT(pusher_->Stats().front().points_rejected, 1000U);
}

TEST_F(Pusher, Fault21AHangingEndpointHoldsNoOther) {
  scripts_[0].Hang();
  Start(milliseconds(2), 2);
  EXPECT_TRUE(Eventually([&] { return pusher_->Stats().at(1).succeeded > 10; }));
  EXPECT_EQ(pusher_->Stats().at(0).succeeded, 0U);
  EXPECT_EQ(scripts_[0].calls().size(), 1U);
}

TEST_F(Pusher, StopsByTheDeadlineThoughTheReceiverHangs) {
  scripts_[0].Hang();
  Start(hours(1), 2);
  EXPECT_TRUE(Eventually(
      [&] { return !scripts_[0].calls().empty() && pusher_->Stats().at(1).succeeded == 1; }));
  const auto began = SystemClock().Now();
  pusher_->Stop(In(seconds(7)));  // all of it passes, and a machine that stalls takes some of it
  EXPECT_LT(SystemClock().Now() - began, seconds(30));
  EXPECT_EQ(scripts_[0].calls().size(), 2U) << "it was given a last chance";
  EXPECT_EQ(pusher_->Stats().at(1).succeeded, 2U);
}

TEST_F(Pusher, SpansDoNotWaitForTheMetrics) {
  Start(hours(1), 2);
  EXPECT_TRUE(Eventually([&] { return pusher_->Stats().front().succeeded == 1; }));
  spans_ = 3;
  EXPECT_TRUE(Eventually([&] {
    const auto stats = pusher_->Stats();
    return stats.at(0).spans_accepted == 3 && stats.at(1).spans_accepted == 3;
  })) << "each endpoint gets each span";
  EXPECT_EQ(pusher_->Stats().front().succeeded, 1U) << "the metrics wait for their interval";
  EXPECT_EQ(scripts_[0].calls().back().spans, std::vector<std::string>(3, "span"));
}

TEST_F(Pusher, SpansDoNotWaitForRetriedMetrics) {
  scripts_[0].AlwaysToMetrics(
      {.outcome = Outcome::kRetry, .retry_after = seconds(15), .message = "not now"});
  Start(hours(1));
  EXPECT_TRUE(Eventually([&] { return scripts_[0].calls().size() == 1; }));
  spans_ = 3;
  EXPECT_TRUE(
      Eventually([&] { return pusher_->Stats().front().spans_accepted == 3; }, seconds(10)));
  EXPECT_EQ(pusher_->Stats().front().failed, 0U) << "the metrics were given up before";
  const auto began = SystemClock().Now();
  pusher_->Stop(In(seconds(60)));
  EXPECT_LT(SystemClock().Now() - began, seconds(30));
}

TEST_F(Pusher, TheLastSpansArrive) {
  Start(hours(1));
  EXPECT_TRUE(Eventually([&] { return pusher_->Stats().front().succeeded == 1; }));
  spans_ = 5;
  pusher_->Stop(In(seconds(60)));
  EXPECT_EQ(pusher_->Stats().front().spans_accepted, 5U);
}

TEST_F(Pusher, EndsWithoutStop) {
  scripts_[0].Hang();
  Start(hours(1));
  EXPECT_TRUE(Eventually([&] { return !scripts_[0].calls().empty(); }));
  const auto began = SystemClock().Now();
  pusher_.reset();
  EXPECT_LT(SystemClock().Now() - began, seconds(30));
  EXPECT_EQ(scripts_[0].calls().size(), 1U);
}

TEST_F(Pusher, WithoutABatchThereIsNoExport) {
  OtlpOptions options{.interval = milliseconds(1)};
  options.endpoints.push_back({.address = "sink:1"});
  std::vector<std::unique_ptr<OtlpTransport>> transports;
  transports.push_back(std::make_unique<FakeTransport>(scripts_[0]));
  const auto pusher = MakeOtlpPusher(options, std::move(transports), SystemClock());
  std::atomic<int> asked = 0;
  pusher->Start(
      [&](auto) {
        ++asked;
        return nullptr;
      },
      {});
  EXPECT_TRUE(Eventually([&] { return asked > 5; }));
  pusher->Stop(In(seconds(5)));
  EXPECT_TRUE(scripts_[0].calls().empty());
}

}  // namespace
}  // namespace bpftally
