#include "programs/evaluate/span_source.h"

#include <gmock/gmock.h>

#include <cstring>
#include <set>

#include "host/tables.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class StoppedClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point Now() const override {
    return std::chrono::steady_clock::time_point(std::chrono::seconds(1000));
  }
  int64_t WallNanoseconds() const override { return 1'700'000'000'000'000'000; }
  int64_t BootNanoseconds() const override { return 0; }
};

struct Event {
  uint8_t trace_id[16] = {0xbe, 0xef};
  uint8_t parent_span_id[8] = {};
  uint8_t span_id[8] = {0, 0, 0, 0, 0, 0, 0, 7};
  uint64_t timestamp = 999'999'999'000;
  uint64_t duration = 250;
  uint32_t error = 2;
  char what[12] = "open";
};

LabelPlan Label(std::string name, uint32_t offset, uint32_t size,
                std::vector<std::string> decoders) {
  LabelPlan label{.name = std::move(name), .field = {offset, size, Part::kValue}};
  for (std::string& decoder : decoders) label.decoders.push_back({.name = std::move(decoder)});
  return label;
}

class SpanSourceTest : public ::testing::Test {
 protected:
  static SpanPlan Plan() {
    return {
        .name = "failed_open",
        .service = "files",
        .labels = {Label("trace_id", offsetof(Event, trace_id), 16, {"hex"}),
                   Label("parent_span_id", offsetof(Event, parent_span_id), 8, {"hex"}),
                   Label("span_id", offsetof(Event, span_id), 8, {"hex"}),
                   Label("span_monotonic_timestamp_ns", offsetof(Event, timestamp), 8, {"uint"}),
                   Label("span_duration_ns", offsetof(Event, duration), 8, {"uint"}),
                   Label("error", offsetof(Event, error), 4, {"uint", "errno"}),
                   Label("what", offsetof(Event, what), 12, {"string"})},
        .attributes = {{"made.by", "opens"}}};
  }

  std::unique_ptr<SpanSource> Source(const SpanPlan& plan) {
    auto source = SpanSource::Make(plan, tables_, clock_, queue_);
    if (source) return std::move(*source);
    ADD_FAILURE() << source.error().message;
    return nullptr;
  }

  static void Send(SpanSource& source, const Event& event) {
    source.OnEvent(std::as_bytes(std::span(&event, 1)));
  }

  StoppedClock clock_;
  HostTables tables_{HostSources{}, clock_};
  SpanQueue queue_{4};
};

TEST_F(SpanSourceTest, CertainLabelsMakeTheSpanOthersItsAttributes) {
  const auto source = Source(Plan());
  ASSERT_TRUE(source);
  Send(*source, {});
  const auto spans = queue_.Take(10);
  ASSERT_EQ(spans.size(), 1u);
  const SpanRecord& span = spans[0];
  EXPECT_EQ(span.trace_id[0], 0xbe);
  EXPECT_EQ(span.trace_id[1], 0xef);
  EXPECT_EQ(span.span_id[7], 7);
  EXPECT_THAT(span.parent_span_id, Each(0)) << "there is none";
  EXPECT_EQ(span.start_time_ns, 1'700'000'000'000'000'000 - 1000);
  EXPECT_EQ(span.duration_ns, 250u);
  EXPECT_EQ(span.name, "failed_open");
  EXPECT_EQ(span.service, "files");
  EXPECT_THAT(span.attributes, UnorderedElementsAre(Pair("made.by", "opens"),
                                                    Pair("error", "ENOENT"), Pair("what", "open")));
}

TEST_F(SpanSourceTest, AnEventMayNameItsSpan) {
  SpanPlan plan = Plan();
  plan.labels.back().name = "span_name";
  const auto source = Source(plan);
  ASSERT_TRUE(source);
  Send(*source, {});
  EXPECT_EQ(queue_.Take(1).at(0).name, "open");
}

TEST_F(SpanSourceTest, IdsThatAreMissingAreMadeUpEachAnew) {
  SpanPlan plan = Plan();
  plan.labels.erase(plan.labels.begin(), plan.labels.begin() + 4);
  const auto source = Source(plan);
  ASSERT_TRUE(source);
  Send(*source, {});
  Send(*source, {});
  const auto spans = queue_.Take(10);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_NE(spans[0].trace_id, (std::array<uint8_t, 16>{}));
  EXPECT_NE(spans[0].span_id, (std::array<uint8_t, 8>{}));
  EXPECT_NE(spans[0].trace_id, spans[1].trace_id);
  EXPECT_EQ(spans[0].start_time_ns, clock_.WallNanoseconds()) << "now";
}

TEST_F(SpanSourceTest, WhatIsNoSpanIsCounted) {
  SpanPlan plan = Plan();
  plan.labels[0].decoders = {{.name = "uint"}};  // cannot decode 16 bytes
  const auto undecodable = Source(plan);
  Send(*undecodable, {});
  EXPECT_EQ(undecodable->decode_errors(), 1u);

  plan = Plan();
  plan.labels[2].decoders = {{.name = "uint"}};  // does not give 16 hexadecimal digits
  const auto no_id = Source(plan);
  Send(*no_id, {});
  EXPECT_EQ(no_id->decode_errors(), 1u);

  const auto short_event = Source(Plan());
  const Event event;
  short_event->OnEvent(std::as_bytes(std::span(&event, 1)).first(20));
  short_event->OnEvent({});
  EXPECT_EQ(short_event->decode_errors(), 2u);
  EXPECT_EQ(short_event->spans(), 0u);
  EXPECT_THAT(queue_.Take(10), ::testing::IsEmpty());
}

TEST_F(SpanSourceTest, AFullQueueKeepsTheOldestAndCounts) {
  const auto source = Source(Plan());
  for (uint64_t i = 1; i <= 6; ++i) Send(*source, {.duration = i});
  EXPECT_EQ(source->dropped(), 2u);
  EXPECT_EQ(source->spans(), 6u);
  const auto first = queue_.Take(3);
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[0].duration_ns, 1u);
  const auto rest = queue_.Take(3);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].duration_ns, 4u);
}

}  // namespace
}  // namespace bpftally
