#include "programs/frontends/front_end.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <array>
#include <span>
#include <string>
#include <utility>

#include "host/tables.h"
#include "programs/evaluate/source_evaluator.h"
#include "programs/frontends/ebpf_exporter/front_end.h"
#include "programs/frontends/ebpf_exporter/plan_fixture.h"
#include "programs/frontends/toy_front_end.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::array kTwo = {kToyFrontEnd, kEbpfExporterFrontEnd};

const ObjectFacts kFacts = {
    .maps = {Map("calls", BPF_MAP_TYPE_HASH, 8), {.name = "ring", .type = BPF_MAP_TYPE_RINGBUF}},
    .programs = {{"on_call", "tp/x"}}};

TEST(FrontEnds, Compile_Toy_GivesItsPlan) {
  const Compiled compiled =
      Compile({"toy\ncounter toys_total calls op=0:4 size=4:4\n", "a/b.toy"}, &kFacts, kTwo);
  EXPECT_THAT(compiled.findings, IsEmpty());
  EXPECT_EQ(compiled.plan.format, "toy");
  EXPECT_EQ(compiled.plan.name, "b");
  EXPECT_EQ(compiled.plan.object, "a/b.bpf.o");
  EXPECT_EQ(compiled.plan.scope, "toys");
  EXPECT_EQ(compiled.plan.self.prefix, "") << "it tells nothing beside ours";
  EXPECT_THAT(compiled.plan.functions, SizeIs(1));
  const MetricPlan& metric = MetricAt(compiled.plan, 0);
  const FamilySpec family = FamilyOf(compiled.plan, metric);
  EXPECT_EQ(family.name, "toys_total");
  EXPECT_EQ(family.type, MetricType::kCounter);
  EXPECT_EQ(family.scope, "toys");
  EXPECT_THAT(family.label_names, ElementsAre("made_by", "op", "size"));
}

// Runs the plan of a format that nothing else knows by the same evaluators as any other.
TEST(FrontEnds, Compile_Toy_ItsPlanRuns) {
  const Compiled compiled =
      Compile({"toy\ngauge level calls op=0:4\nobserved time ring 8 4:4 10,20 what=0:4\n", "b.toy"},
              &kFacts, kTwo);
  ASSERT_THAT(compiled.findings, IsEmpty());
  HostTables tables(HostSources{}, SystemClock());
  MetricBatch batch;
  const auto run = [&](size_t source, const Rows& rows) {
    SourceEvaluator evaluator(compiled.plan.sources.at(source), compiled.plan.const_labels, tables,
                              SystemClock());
    evaluator.Begin({.batch = batch});
    EXPECT_TRUE(evaluator.Add(rows));
    return std::move(evaluator.Finish().at(0));
  };
  const std::array<uint32_t, 2> key = {7, 0};
  const std::array<uint64_t, 1> value = {42};
  const auto gauge = run(0, {.count = 1,
                             .key_size = 8,
                             .value_size = 8,
                             .keys = std::as_bytes(std::span(key)),
                             .values = std::as_bytes(std::span(value))});
  ASSERT_TRUE(gauge);
  EXPECT_EQ(gauge->samples.at(0).labels[0], "toy");
  EXPECT_EQ(gauge->samples.at(0).labels[1], "7");
  EXPECT_EQ(gauge->samples.at(0).value, Number(uint64_t{42}));

  const std::array<uint32_t, 2> event = {3, 15};
  const auto histogram = run(1, RowOf(std::as_bytes(std::span(event))));
  ASSERT_TRUE(histogram);
  EXPECT_THAT(histogram->histograms.at(0).counts, ElementsAre(0, 1, 0));
}

TEST(FrontEnds, Compile_ToyMistake_SaysItsPlace) {
  const Compiled compiled =
      Compile({"toy\ncounter a calls\ncounter b gone\nmeter c calls\n", "b.toy"}, &kFacts, kTwo);
  EXPECT_THAT(
      Messages(compiled.findings),
      ElementsAre("error b.toy:3:1: no map gone", "error b.toy:4:1: no kind of metric: meter"));
}

TEST(FrontEnds, Compile_OtherText_GoesToTheLast) {
  const Compiled compiled =
      Compile({"metrics: {counters: [{name: calls, help: h, labels: [{name: op, size: 8, "
               "decoders: [{name: uint}]}]}]}",
               "b.yaml"},
              &kFacts, kTwo);
  EXPECT_THAT(compiled.findings, IsEmpty());
  EXPECT_EQ(compiled.plan.format, "ebpf_exporter");
}

TEST(FrontEnds, Compile_HugeText_IsRefused) {
  const std::string text(kMaxConfigBytes + 1, ' ');
  EXPECT_THAT(Messages(Compile({text, "b.yaml"}, &kFacts).findings),
              ElementsAre(HasSubstr("error b.yaml: 4194305 bytes, expected at most 4194304")));
}

TEST(FrontEnds, Compile_WithoutObject_ChecksTheText) {
  const Compiled compiled = Compile({"metrics: {counters: [{colour: red}]}", "b.yaml"}, nullptr);
  EXPECT_THAT(Messages(compiled.findings), ElementsAre(HasSubstr("unknown key \"colour\"")));
}

TEST(FrontEnds, LastOne_AnyText_TakesIt) {
  ASSERT_FALSE(FrontEnds().empty());
  EXPECT_TRUE(FrontEnds().back().detects({"", "x"}));
}

}  // namespace
}  // namespace bpftally
