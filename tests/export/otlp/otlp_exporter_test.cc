#include "export/otlp/otlp_exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <sstream>

#include "daemon/fakes.h"
#include "export/otlp/otlp_fakes.h"

namespace bpftally {
namespace {

using Outcome = OtlpReply::Outcome;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::BatchOf;
using ::testing::ElementsAre;
using testing::FakeTransport;
using ::testing::HasSubstr;
using testing::TransportScript;

const OtlpReply kBusy{.outcome = Outcome::kRetry, .message = "busy"};

class Exporter : public ::testing::Test {
 protected:
  void SetUp() override {
    former_ = spdlog::default_logger();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)));
    spdlog::default_logger()->set_pattern("%l %v");
  }
  void TearDown() override { spdlog::set_default_logger(former_); }

  void Export(std::shared_ptr<const MetricBatch> batch, std::stop_token cancel = {}) {
    exporter_.Export(std::move(batch), {.deadline = clock_.Now() + seconds(30),
                                        .renew = clock_.Now() + seconds(60),
                                        .cancel = std::move(cancel),
                                        .wait = [this](OtlpExporter::TimePoint time) {
                                          waits_.push_back(time - clock_.Now());
                                          clock_.Advance(waits_.back());
                                          return !stopping_;
                                        }});
  }

  // Returns the number of points in each request so far.
  std::vector<size_t> Sizes() const {
    std::vector<size_t> sizes;
    for (const auto& call : script_.calls()) sizes.push_back(call.values.size());
    return sizes;
  }

  std::string Log() { return std::exchange(log_, std::ostringstream()).str(); }

  FakeClock clock_;
  TransportScript script_;
  std::vector<std::chrono::nanoseconds> waits_;
  bool stopping_ = false;
  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> former_;
  OtlpExporter exporter_{{.endpoint = "sink:4317",
                          .request_timeout = seconds(10),
                          .transport = std::make_unique<FakeTransport>(script_),
                          .encoder = OtlpEncoder({}, OtlpTemporality::kCumulative, "1", 1),
                          .random = [] { return 0.0; }},
                         clock_};
};

TEST_F(Exporter, SendsABatchInChunks) {
  Export(BatchOf(12'000, 7));
  EXPECT_THAT(Sizes(), ElementsAre(5000, 5000, 2000));
  for (const auto& call : script_.calls()) EXPECT_EQ(call.deadline, clock_.Now() + seconds(10));
  const OtlpEndpointStats stats = exporter_.Stats();
  EXPECT_EQ(stats.endpoint, "sink:4317");
  EXPECT_EQ(stats.succeeded, 1U);
  EXPECT_EQ(stats.points_accepted, 12'000U);
  EXPECT_EQ(stats.up, true);
  EXPECT_GT(stats.last_success_seconds, 0);
}

TEST_F(Exporter, AnAcknowledgedBatchIsNoExport) {
  const auto batch = BatchOf(3, 7);
  Export(batch);
  Export(batch);
  EXPECT_EQ(exporter_.Stats().succeeded, 1U);
  EXPECT_EQ(script_.calls().size(), 1U);
}

TEST_F(Exporter, Fault21TriesTheSameChunkAgainAndLater) {
  for (int i = 0; i < 3; ++i) script_.Then(kBusy);
  Export(BatchOf(2, 7));
  EXPECT_THAT(Sizes(), ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(waits_, ElementsAre(milliseconds(500), seconds(1), seconds(2)));
  const OtlpEndpointStats stats = exporter_.Stats();
  EXPECT_EQ(stats.succeeded, 1U);
  EXPECT_EQ(stats.points_accepted, 2U);
  EXPECT_EQ(stats.duration_seconds, 3.5);
  // A success resets the delays.
  script_.Then(kBusy);
  Export(BatchOf(2, 8));
  EXPECT_EQ(waits_.back(), milliseconds(500));
}

TEST_F(Exporter, GivesUpByItsDeadlineAndCountsLostPoints) {
  script_.Then({.outcome = Outcome::kAccepted});
  script_.Always(kBusy);
  Export(BatchOf(6000, 7));
  const OtlpEndpointStats stats = exporter_.Stats();
  EXPECT_EQ(stats.failed, 1U);
  EXPECT_EQ(stats.up, false);
  EXPECT_EQ(stats.points_accepted, 5000U);
  EXPECT_EQ(stats.points_dropped, 1000U);
  EXPECT_EQ(stats.last_success_seconds, std::nullopt);
  EXPECT_GT(exporter_.not_before(), clock_.Now());
}

TEST_F(Exporter, Fault21WaitsAsLongAsTheReceiverAsks) {
  script_.Then({.outcome = Outcome::kRetry, .retry_after = seconds(5), .message = "later"});
  Export(BatchOf(1, 7));
  EXPECT_THAT(waits_, ElementsAre(seconds(5)));
}

TEST_F(Exporter, GivesUpIfRetryAfterExceedsTheInterval) {
  script_.Then({.outcome = Outcome::kRetry, .retry_after = seconds(300), .message = "later"});
  Export(BatchOf(1, 7));
  EXPECT_TRUE(waits_.empty());
  EXPECT_EQ(exporter_.not_before(), clock_.Now() + seconds(300));
}

TEST_F(Exporter, DoesNotRetryAtTheEnd) {
  stopping_ = true;
  script_.Always(kBusy);
  Export(BatchOf(1, 7));
  EXPECT_EQ(script_.calls().size(), 1U);
}

TEST_F(Exporter, CancelledExportIsNotLogged) {
  std::stop_source cancel;
  cancel.request_stop();
  script_.Always(kBusy);
  Export(BatchOf(1, 7), cancel.get_token());
  EXPECT_EQ(script_.calls().size(), 1U);
  EXPECT_EQ(exporter_.Stats().points_dropped, 1U);
  EXPECT_EQ(Log(), "");
}

TEST_F(Exporter, Fault22HalvesWhatIsTooLargeAndGrowsSlowly) {
  script_.AtMost(1500);
  Export(BatchOf(5000, 7));
  EXPECT_THAT(Sizes(), ElementsAre(5000, 2500, 1250, 1250, 1250, 1250));
  EXPECT_EQ(exporter_.Stats().points_accepted, 5000U);
  EXPECT_EQ(exporter_.Stats().succeeded, 1U);

  script_.AtMost(SIZE_MAX);
  std::vector<size_t> largest;
  for (int i = 0; i < 12; ++i) {
    const size_t before = Sizes().size();
    Export(BatchOf(6000, 8 + i));
    largest.push_back(Sizes().at(before));
  }
  EXPECT_EQ(largest[0], 1250U);
  EXPECT_EQ(largest[1], 1563U);
  EXPECT_EQ(largest.back(), 5000U);
}

TEST_F(Exporter, DropsASinglePointThatIsTooLarge) {
  script_.Then({.outcome = Outcome::kTooLarge, .message = "large"});
  script_.Then({.outcome = Outcome::kTooLarge, .message = "large"});
  Export(BatchOf(2, 7));
  EXPECT_THAT(Sizes(), ElementsAre(2, 1, 1));
  EXPECT_EQ(exporter_.Stats().points_dropped, 1U);
  EXPECT_EQ(exporter_.Stats().points_accepted, 1U);
  EXPECT_EQ(exporter_.Stats().failed, 1U);
}

TEST_F(Exporter, DoesNotShrinkToOnePointARequest) {
  script_.AtMost(0);
  Export(BatchOf(5000, 7));
  EXPECT_LT(script_.calls().size(), 30U);
  EXPECT_EQ(exporter_.Stats().points_dropped, 5000U);
  script_.AtMost(SIZE_MAX);
  Export(BatchOf(5000, 8));
  EXPECT_EQ(Sizes().back(), 5000U);
}

TEST_F(Exporter, GoesOnAfterARejectedChunk) {
  script_.Then({.outcome = Outcome::kRejected, .message = "bad"});
  Export(BatchOf(6000, 7));
  EXPECT_THAT(Sizes(), ElementsAre(5000, 1000));
  const OtlpEndpointStats stats = exporter_.Stats();
  EXPECT_EQ(stats.points_rejected, 5000U);
  EXPECT_EQ(stats.points_accepted, 1000U);
  EXPECT_EQ(stats.failed, 1U);
  EXPECT_EQ(stats.up, false);
}

TEST_F(Exporter, CountsAPartialSuccess) {
  script_.Then({.outcome = Outcome::kAccepted, .rejected = 3, .message = "too old"});
  script_.Always({.outcome = Outcome::kAccepted, .rejected = 11, .message = "too old"});
  Export(BatchOf(10, 7));
  EXPECT_EQ(exporter_.Stats().points_rejected, 3U);
  EXPECT_EQ(exporter_.Stats().points_accepted, 7U);
  EXPECT_EQ(exporter_.Stats().succeeded, 1U);
  Export(BatchOf(10, 8));
  EXPECT_EQ(exporter_.Stats().points_rejected, 13U) << "of ten, it cannot refuse eleven";
  EXPECT_EQ(exporter_.Stats().points_accepted, 7U);
  const std::string log = Log();
  EXPECT_THAT(log, HasSubstr("refuses 3 points of a request: too old"));
  EXPECT_EQ(log.find("refuses"), log.rfind("refuses"));
  clock_.Advance(hours(1));
  Export(BatchOf(10, 9));
  EXPECT_THAT(Log(), HasSubstr("refuses"));
}

TEST_F(Exporter, Fault21LogsEachChangeOnce) {
  Export(BatchOf(1, 1));
  Export(BatchOf(1, 2));
  EXPECT_EQ(Log(), "info OTLP: exporting to sink:4317\n");
  script_.Always(kBusy);
  Export(BatchOf(1, 3));
  clock_.Advance(seconds(60));
  Export(BatchOf(1, 4));
  const std::string down = Log();
  EXPECT_THAT(down, ::testing::StartsWith("warning OTLP: exporting to sink:4317 fails: busy;"));
  EXPECT_EQ(std::ranges::count(down, '\n'), 1);
  script_.Always({.outcome = Outcome::kAccepted});
  Export(BatchOf(1, 5));
  Export(BatchOf(1, 6));
  const std::string up = Log();
  EXPECT_THAT(up, HasSubstr("works again after"));
  EXPECT_EQ(std::ranges::count(up, '\n'), 1);
}

TEST(Backoff, DoublesWithJitterUpToItsLongest) {
  double random = 0;
  OtlpBackoff backoff([&] { return random; });
  EXPECT_EQ(backoff.Next({}), milliseconds(500));
  random = 0.999999;
  EXPECT_GT(backoff.Next({}), milliseconds(1999));
  for (int i = 0; i < 100; ++i) backoff.Next({});
  EXPECT_GT(backoff.Next({}), seconds(29));
  EXPECT_LE(backoff.Next({}), seconds(30));
  backoff.Reset();
  EXPECT_LE(backoff.Next({}), seconds(1));
}

TEST(Backoff, HeedsTheReceiverWithinReason) {
  OtlpBackoff backoff([] { return 0.5; });
  EXPECT_EQ(backoff.Next(seconds(100)), seconds(100));
  EXPECT_EQ(backoff.Next(hours(24 * 365)), hours(1));
  EXPECT_GT(backoff.Next(milliseconds(1)), seconds(1));
}

TEST(EndpointLabel, HasNoSecrets) {
  EXPECT_EQ(EndpointLabel("localhost:4317"), "localhost:4317");
  EXPECT_EQ(EndpointLabel("https://me:pass@host:4318/v1/metrics?token=x#y"),
            "https://host:4318/v1/metrics");
  EXPECT_EQ(EndpointLabel("me:p@ss@host:4317"), "host:4317");
  EXPECT_EQ(EndpointLabel("http://host/a@b"), "http://host/a@b");
  EXPECT_EQ(EndpointLabel("unix:///run/otlp@socket"), "unix:///run/otlp@socket");
}

}  // namespace
}  // namespace bpftally
