#include "export/otlp/otlp_span_exporter.h"

#include <gmock/gmock.h>

#include <utility>

#include "daemon/fakes.h"
#include "export/otlp/otlp_fakes.h"

namespace bpftally {
namespace {

using Outcome = OtlpReply::Outcome;
using std::chrono::seconds;
using ::testing::ElementsAre;
using testing::FakeTransport;
using testing::TransportScript;

const OtlpReply kBusy{.outcome = Outcome::kRetry, .message = "busy"};
const OtlpReply kNever{.outcome = Outcome::kRejected, .message = "never"};

class SpanExporter : public ::testing::Test {
 protected:
  void SetUp() override {
    feed_.SetSource([this](size_t) { return std::exchange(source_, {}); });
  }

  void Give(const std::vector<std::string>& names) {
    for (const std::string& name : names) source_.push_back({.name = name});
  }

  void Export(const std::stop_token& cancel = {}) {
    exporter_.Export(clock_.Now() + seconds(30), cancel);
  }

  // Returns the spans of each request so far.
  std::vector<std::vector<std::string>> Requests() const {
    std::vector<std::vector<std::string>> requests;
    for (const auto& call : script_.calls()) requests.push_back(call.spans);
    return requests;
  }

  OtlpEndpointStats Stats() const {
    OtlpEndpointStats stats;
    exporter_.AddTo(stats);
    return stats;
  }

  using Names = std::vector<std::string>;

  FakeClock clock_;
  TransportScript script_;
  std::vector<SpanRecord> source_;
  OtlpSpanFeed feed_{2, 6};  // the other reader takes nothing
  OtlpSpanExporter exporter_{{.endpoint = "sink:4317",
                              .request_timeout = seconds(10),
                              .timeout = seconds(20),
                              .transport = std::make_shared<FakeTransport>(script_),
                              .resource = {},
                              .scope_version = "1",
                              .random = [] { return 0.0; }},
                             feed_,
                             0,
                             clock_};
};

TEST_F(SpanExporter, SendsEachSpanOnce) {
  Export();
  EXPECT_TRUE(script_.calls().empty()) << "there is nothing to send";
  Give({"a", "b"});
  Export();
  Give({"c"});
  Export();
  EXPECT_THAT(Requests(), ElementsAre(Names{"a", "b"}, Names{"c"}));
  EXPECT_EQ(Stats().spans_accepted, 3U);
}

TEST_F(SpanExporter, BusyReceiverGetsSpansLater) {
  Give({"a"});
  script_.Then(kBusy);
  Export();
  EXPECT_GT(exporter_.not_before(), clock_.Now());
  Give({"b"});
  clock_.Advance(exporter_.not_before() - clock_.Now());
  Export();
  EXPECT_THAT(Requests(), ElementsAre(Names{"a"}, Names{"a", "b"}));
  EXPECT_EQ(Stats().spans_accepted, 2U);
  EXPECT_EQ(Stats().spans_dropped, 0U);
}

TEST_F(SpanExporter, SpansRetriedTooLongAreDropped) {
  Give({"a"});
  script_.Always(kBusy);
  const auto began = clock_.Now();
  while (Stats().spans_dropped == 0 && clock_.Now() - began < seconds(100)) {
    Export();
    clock_.Advance(exporter_.not_before() - clock_.Now());
  }
  EXPECT_EQ(Stats().spans_dropped, 1U);
  EXPECT_LE(clock_.Now() - began, seconds(20) + OtlpBackoff::kLongest);
  EXPECT_GT(script_.calls().size(), 3U);
  script_.Always({.outcome = Outcome::kAccepted});
  Give({"b"});
  Export();
  EXPECT_EQ(Requests().back(), Names{"b"});
}

TEST_F(SpanExporter, RejectedSpansAreNotRetried) {
  Give({"a"});
  script_.Then(kNever);
  Export();
  EXPECT_EQ(script_.calls().size(), 1U);
  Give({"b", "c"});
  script_.Then({.outcome = Outcome::kAccepted, .rejected = 1});
  Export();
  EXPECT_EQ(Stats().spans_rejected, 2U);
  EXPECT_EQ(Stats().spans_accepted, 1U);
}

TEST_F(SpanExporter, TooLargeRequestsAreMadeSmaller) {
  Give({"a", "b", "c", "d"});
  script_.AtMost(2);
  Export();
  EXPECT_EQ(Stats().spans_accepted, 4U);
  EXPECT_EQ(Requests().at(1), (Names{"a", "b"}));

  script_.AtMost(0);
  Give({"e", "f"});
  Export();
  EXPECT_EQ(Stats().spans_dropped, 1U) << "the second one waits for another time";
  script_.AtMost(2);
  Export();
  EXPECT_EQ(Requests().back(), Names{"f"});
}

TEST_F(SpanExporter, ExcessWaitingSpansAreDroppedAndCounted) {
  Give({"1", "2", "3", "4", "5", "6", "7", "8"});
  Export();
  EXPECT_EQ(Stats().spans_accepted, 6U);
  EXPECT_EQ(Stats().spans_dropped, 2U);
  Give({"9"});
  Export();
  EXPECT_EQ(Stats().spans_accepted, 7U) << "the other reader's queue is full, not this one's";
  EXPECT_EQ(feed_.dropped(1), 3U);
  EXPECT_EQ(feed_.Front(1, 10).size(), 6U);
}

TEST_F(SpanExporter, CancelledExportLeavesSpansWaiting) {
  Give({"a"});
  std::stop_source cancelled;
  cancelled.request_stop();
  Export(cancelled.get_token());
  EXPECT_TRUE(script_.calls().empty());
  Export();
  EXPECT_EQ(Stats().spans_accepted, 1U);
}

}  // namespace
}  // namespace bpftally
