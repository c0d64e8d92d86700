#include "programs/evaluate/event_evaluator.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "host/tables.h"
#include "programs/plan/plan.h"
#include "programs/plan/sources.h"

namespace bpftally {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ManualClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point Now() const override { return now; }
  int64_t WallNanoseconds() const override { return wall + now.time_since_epoch().count(); }
  int64_t BootNanoseconds() const override { return 0; }

  std::chrono::steady_clock::time_point now{};
  int64_t wall = 1'000'000'000'000;
};

LabelPlan Letter(std::string name, uint32_t offset) {
  return {std::move(name), {offset, 1, Part::kValue}, {{.name = "string"}}};
}

// Makes a source with two labels of one letter each; the first drops `d`.
SourcePlan TwoLetters() {
  SourcePlan plan = EventCounterOf("m", "events", {Letter("one", 0), Letter("two", 1)}, 2);
  plan.metrics[0].labels[0].decoders.push_back({.name = "regexp", .argument = Regexps{"^[^d]"}});
  return plan;
}

class EventEvaluatorTest : public ::testing::Test {
 protected:
  void Make(const SourcePlan& plan) {
    evaluator_.emplace(SourceEvaluator(plan, {}, tables_, clock_));
  }
  void Send(std::string_view bytes) { evaluator_->OnEvent(std::as_bytes(std::span(bytes))); }

  // Returns "ab=2" for each series of the first metric.
  std::vector<std::string> Series(size_t max_series = 100) {
    auto taken = evaluator_->Take({.batch = batch_, .max_series = max_series});
    lost_ = taken.lost;
    last_ = std::move(*taken.metrics.at(0));
    undecodable_ += last_.undecodable;
    std::vector<std::string> all;
    for (const Sample& sample : last_.samples) {
      start_ = sample.start_time_ns;
      all.push_back(fmt::format("{}{}={}", sample.labels[0], sample.labels[1],
                                std::get<double>(sample.value)));
    }
    return all;
  }

  ManualClock clock_;
  HostTables tables_{HostSources{}, clock_};
  MetricBatch batch_;
  std::optional<EventEvaluator> evaluator_;
  Evaluated last_;
  uint64_t undecodable_ = 0;
  uint64_t lost_ = 0;
  int64_t start_ = 0;
};

TEST_F(EventEvaluatorTest, EachSetOfLabelsHasItsCount) {
  Make(TwoLetters());
  for (const char* event : {"ab", "ac", "ab", "ba", "ab and more"}) Send(event);
  EXPECT_THAT(Series(), ElementsAre("ab=3", "ac=1", "ba=1"));
  EXPECT_EQ(last_.entries, 3u);
  Send("ac");
  EXPECT_THAT(Series(), ElementsAre("ab=3", "ac=2", "ba=1")) << "they are kept";
  EXPECT_EQ(undecodable_, 0u);
}

TEST_F(EventEvaluatorTest, WhatDoesNotDecodeIsCountedOnce) {
  SourcePlan plan = TwoLetters();
  plan.metrics[0].labels[1].decoders.push_back({.name = "errno"});  // accepts digits only
  Make(plan);
  for (const char* event : {"ae", "d1", "x", ""}) Send(event);
  EXPECT_THAT(Series(), IsEmpty());
  EXPECT_EQ(undecodable_, 3u);
  EXPECT_EQ(last_.unwanted, 1u);
  EXPECT_THAT(Series(), IsEmpty());
  EXPECT_EQ(last_.undecodable, 0u) << "since the poll before";
}

TEST_F(EventEvaluatorTest, TheLimitHoldsForNewSeriesOnly) {
  SourcePlan plan = TwoLetters();
  plan.metrics[0].limit.series = 2;
  Make(plan);
  for (const char* event : {"aa", "bb", "cc", "aa", "dd", "cc"}) Send(event);
  EXPECT_THAT(Series(), ElementsAre("aa=2", "bb=1"));
  EXPECT_EQ(last_.over_limit, 2u) << "dd is not wanted at all";
}

TEST_F(EventEvaluatorTest, WhereSeriesAreFewTheFirstArePublished) {
  Make(TwoLetters());
  for (const char* event : {"aa", "bb", "cc"}) Send(event);
  EXPECT_THAT(Series(2), ElementsAre("aa=1", "bb=1"));
  EXPECT_EQ(last_.over_limit, 1u);
  EXPECT_THAT(Series(), ElementsAre("aa=1", "bb=1", "cc=1"));
}

TEST_F(EventEvaluatorTest, AFlushForgetsTheSeriesAndSaysSinceWhen) {
  SourcePlan plan = TwoLetters();
  std::get<EventSource>(plan.from).flush_interval = std::chrono::seconds(10);
  Make(plan);
  Send("aa");
  Send("x");
  evaluator_->OnLost(5);
  EXPECT_THAT(Series(), ElementsAre("aa=1"));
  const int64_t start = start_;
  clock_.now += std::chrono::milliseconds(9999);
  EXPECT_THAT(Series(), ElementsAre("aa=1"));
  clock_.now += std::chrono::milliseconds(2);
  EXPECT_THAT(Series(), IsEmpty());
  EXPECT_EQ(lost_, 5u);
  EXPECT_EQ(undecodable_, 1u);
  // Flushes keep their rhythm even if nobody polled for three and a half intervals.
  clock_.now += std::chrono::seconds(35);
  Send("bb");
  EXPECT_THAT(Series(), ElementsAre("bb=1"));
  EXPECT_EQ(start_, start + 40'000'000'000);
}

// Event with a letter and a number.
struct Timed {
  char what = 'a';
  uint32_t time = 0;
} __attribute__((packed));

TEST_F(EventEvaluatorTest, EventsFeedEveryInstrument) {
  const FieldPlan time{1, 4, Part::kValue};
  SourcePlan plan = EventCounterOf("calls", "events", {Letter("what", 0)}, sizeof(Timed));
  plan.metrics.push_back(plan.metrics[0]);
  plan.metrics.back().instrument = CounterPlan{.value = {.field = time}};
  plan.metrics.push_back(plan.metrics[0]);
  plan.metrics.back().instrument = GaugePlan{.value = {.field = time}, .rows = RowRule::kMax};
  plan.metrics.push_back(plan.metrics[0]);
  plan.metrics.back().instrument =
      HistogramPlan{.source = Observed{{.field = time}}, .buckets = {{10}, {20}}};
  Make(plan);
  for (const uint32_t value : {5U, 15U, 10U, 50U}) {
    const Timed event{.time = value};
    evaluator_->OnEvent(std::as_bytes(std::span(&event, 1)));
  }
  const auto taken = evaluator_->Take({.batch = batch_}).metrics;
  ASSERT_EQ(taken.size(), 4u);
  EXPECT_EQ(taken[0]->samples.at(0).value, Number(4.0));
  EXPECT_EQ(taken[1]->samples.at(0).value, Number(uint64_t{80}));
  EXPECT_EQ(taken[2]->samples.at(0).value, Number(uint64_t{50}));
  const HistogramSample& histogram = taken[3]->histograms.at(0);
  EXPECT_THAT(histogram.counts, ElementsAre(2, 1, 1));
  EXPECT_EQ(histogram.sum, Number(80.0));
}

}  // namespace
}  // namespace bpftally
