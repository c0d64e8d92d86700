// Tests counters of events and spans, from the kernel's buffers through the table.

#include <fmt/format.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "programs/plan/plan.h"
#include "programs/plan/sources.h"
#include "programs/run/table_fixture.h"

namespace bpftally {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SourcePlan CallsBy(const std::string& map) {
  return EventCounterOf(map, map, {{"third", {0, 4}, {{.name = "uint"}}}}, 4);
}

// Returns three lines with `each` as their count, a third of the calls.
std::vector<std::string> Thirds(std::string_view name, int each) {
  std::vector<std::string> lines;
  for (int third = 0; third < 3; ++third)
    lines.push_back(fmt::format("{}{{third=\"{}\"}} {}", name, third, each));
  return lines;
}

class EventCountersTest : public TableTest {
 protected:
  void SetUp() override {
    TableTest::SetUp();
    if (!IsSkipped()) MakeTable();
  }

  void Run(std::vector<SourcePlan> sources) {
    ProgramPlan plan = PlanOf("event_source");
    plan.sources = std::move(sources);
    const LoadedProgram* program = AddToTable(std::move(plan));
    ASSERT_NE(program, nullptr);
    SetAt(*program, "wanted_process", 0, static_cast<uint32_t>(::getpid()));
    const auto started = table_->Start();
    ASSERT_TRUE(started) << started.error().message;
  }

  static void Call(int times) {
    for (int i = 0; i < times; ++i) ::getppid();
  }
};

TEST_F(EventCountersTest, EachKindOfBufferIsCountedOn) {
  ASSERT_NO_FATAL_FAILURE(
      Run({CallsBy("calls_by_perf"), CallsBy("calls_by_ring"), CallsBy("calls_by_quiet_ring")}));
  for (const int calls : {300, 600}) {
    Call(300);
    for (const char* map : {"calls_by_perf", "calls_by_ring", "calls_by_quiet_ring"})
      ExpectLinesSoon(map, Thirds(map, calls / 3));
  }
  EXPECT_THAT(Lines("bpftally_program_events_lost_total"), AllOf(SizeIs(3), Each(EndsWith(" 0"))));
}

TEST_F(EventCountersTest, AnUndecodableEventIsCountedAndHarmsNoOtherMetric) {
  SourcePlan too_long = CallsBy("calls_by_ring");
  too_long.value_size = 4096;
  ASSERT_NO_FATAL_FAILURE(Run({CallsBy("calls_by_perf"), too_long}));
  Call(30);
  ExpectLinesSoon("calls_by_perf", Thirds("calls_by_perf", 10));
  ExpectLinesSoon("ebpf_exporter_decoder_errors_total",
                  {"ebpf_exporter_decoder_errors_total{config=\"event_source\"} 30"});
  EXPECT_THAT(Lines("calls_by_ring"), IsEmpty());
}

TEST_F(EventCountersTest, WhatIsFlushedBeginsAnew) {
  SourcePlan flushed = CallsBy("calls_by_ring");
  std::get<EventSource>(flushed.from).flush_interval = std::chrono::milliseconds(20);
  ASSERT_NO_FATAL_FAILURE(Run({flushed, CallsBy("calls_by_perf")}));
  Call(3);
  ExpectLinesSoon("calls_by_perf", Thirds("calls_by_perf", 1));
  ExpectLinesSoon("calls_by_ring", {});
}

class TableSpansTest : public TableTest {
 protected:
  static std::vector<LabelPlan> Number(uint32_t offset) {
    return {{"number", {offset, 4, Part::kValue}, {{.name = "uint"}}}};
  }

  static ProgramPlan Plan() {
    ProgramPlan plan = PlanOf("span_events");
    plan.sources = {{.from = EventSource{"whole_spans"},
                     .value_size = 56,
                     .spans = {{.name = "whole", .service = "makers", .labels = Number(48)}}},
                    {.from = EventSource{"bare_spans"},
                     .value_size = 4,
                     .spans = {{.name = "bare", .labels = Number(0)}}}};
    return plan;
  }

  void Run(ProgramPlan plan, bool spans = true) {
    MakeTable({.spans = spans});
    ASSERT_NE(AddToTable(std::move(plan)), nullptr);
    const auto started = table_->Start();
    ASSERT_TRUE(started) << started.error().message;
  }

  // Makes calls that become spans, in a thread of the name that the program wants.
  static void MakeSpans(int count) {
    std::thread([count] {
      ::pthread_setname_np(::pthread_self(), "span-maker");
      for (int i = 0; i < count; ++i) ::getppid();
    }).join();
  }

  static std::string Line(std::string_view family, std::string_view span, int count) {
    return fmt::format("bpftally_program_{}_total{{config=\"span_events\",span=\"{}\"}} {}", family,
                       span, count);
  }

  static constexpr std::string_view kSpans = "bpftally_program_spans_total";
  static constexpr std::string_view kDropped = "bpftally_program_spans_dropped_total";
};

TEST_F(TableSpansTest, EachIsTakenOnceWhileOthersComeAndLooksGoOn) {
  constexpr int kCalls = 2'000;
  ASSERT_NO_FATAL_FAILURE(Run(Plan()));
  const auto give_up = SystemClock().Now() + seconds(30);
  std::multiset<std::string> taken;
  std::thread taker([&] {
    while (taken.size() < 2 * kCalls && SystemClock().Now() < give_up) {
      for (const SpanRecord& span : table_->TakeSpans(100))
        taken.insert(span.name + " " + span.attributes.back().second);
      std::this_thread::yield();
    }
  });
  MakeSpans(kCalls);
  ExpectLinesSoon(kSpans, {Line("spans", "bare", kCalls), Line("spans", "whole", kCalls)});
  taker.join();
  EXPECT_EQ(taken.size(), 2u * kCalls);
  EXPECT_EQ(std::set(taken.begin(), taken.end()).size(), 2u * kCalls) << "none twice";
  EXPECT_THAT(table_->TakeSpans(10), IsEmpty());
  EXPECT_EQ(Lines(kDropped),
            (std::vector{Line("spans_dropped", "bare", 0), Line("spans_dropped", "whole", 0)}));
}

TEST_F(TableSpansTest, OneRingBufferMayHaveSpansOfTwoNamesAndACounter) {
  ProgramPlan plan = Plan();
  plan.sources[0] = plan.sources[1];
  plan.sources[0].spans[0].name = "also_bare";
  plan.sources.push_back(CallsBy("bare_spans"));
  ASSERT_NO_FATAL_FAILURE(Run(std::move(plan)));
  MakeSpans(3);
  ExpectLinesSoon(kSpans, {Line("spans", "also_bare", 3), Line("spans", "bare", 3)});
  ExpectLinesSoon("bpftally_program_metric_entries",
                  {"bpftally_program_metric_entries{config=\"span_events\",metric=\"bare_spans\"} "
                   "3"});
}

TEST_F(TableSpansTest, WhatNobodyTakesIsDroppedAndCounted) {
  ProgramPlan plan = Plan();
  plan.sources.erase(plan.sources.begin());
  ASSERT_NO_FATAL_FAILURE(Run(std::move(plan)));
  MakeSpans(5'000);
  ExpectLinesSoon(kSpans, {Line("spans", "bare", 5'000)});
  const size_t kept = table_->TakeSpans(10'000).size();
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, 5'000u);
  EXPECT_EQ(Lines(kDropped),
            std::vector{Line("spans_dropped", "bare", 5'000 - static_cast<int>(kept))});
}

TEST_F(TableSpansTest, SpansThatCannotBeReadHideNoOthers) {
  ProgramPlan plan = Plan();
  plan.sources[0].from = EventSource{"no_such_map"};
  plan.sources[1].spans.push_back({.name = "unusable", .unusable = Error{}});
  ASSERT_NO_FATAL_FAILURE(Run(std::move(plan)));
  MakeSpans(3);
  ExpectLinesSoon(kSpans, {Line("spans", "bare", 3)});
}

TEST_F(TableSpansTest, WhatNobodyWantsIsNotRead) {
  ASSERT_NO_FATAL_FAILURE(Run(Plan(), false));
  MakeSpans(3);
  ASSERT_TRUE(Collect());
  EXPECT_THAT(Lines(kSpans), IsEmpty());
  EXPECT_THAT(table_->TakeSpans(10), IsEmpty());
}

}  // namespace
}  // namespace bpftally
