#include "programs/frontends/ebpf_exporter/v2_buckets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "programs/frontends/ebpf_exporter/plan_fixture.h"
#include "programs/frontends/ebpf_exporter/planner.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

HistogramConfig Buckets(std::string type, int64_t min, int64_t max, double multiplier = 0) {
  return {.bucket_type = std::move(type),
          .bucket_min = min,
          .bucket_max = max,
          .bucket_multiplier = multiplier};
}

HistogramPlan PlanOf(const HistogramConfig& config) {
  Problems problems;
  HistogramPlan plan = PlanBuckets(config, problems);
  EXPECT_THAT(problems, IsEmpty());
  return plan;
}

std::vector<std::string> ProblemsOf(const HistogramConfig& config) {
  Problems problems;
  (void)PlanBuckets(config, problems);
  std::vector<std::string> out;
  for (const Problem& problem : problems)
    out.push_back((problem.fatal ? "fatal " : "harmless ") + problem.what);
  return out;
}

std::vector<double> Bounds(const HistogramPlan& plan) {
  std::vector<double> bounds;
  for (const BucketPlan& bucket : plan.buckets) bounds.push_back(bucket.upper_bound);
  return bounds;
}

std::vector<uint64_t> Slots(const HistogramPlan& plan) {
  std::vector<uint64_t> slots;
  for (const BucketPlan& bucket : plan.buckets) slots.push_back(bucket.slot);
  return slots;
}

uint64_t SumOf(const HistogramPlan& plan) { return std::get<SumSlot>(plan.sum).slot; }

TEST(HistogramPlan, PowersOfTwo) {
  const HistogramPlan plan = PlanOf(Buckets("exp2", 0, 4));
  EXPECT_THAT(Bounds(plan), ElementsAre(1, 2, 4, 8, 16));
  EXPECT_THAT(Slots(plan), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(SumOf(plan), 5);
  EXPECT_EQ(plan.sum_multiplier, 1);
  const HistogramPlan part = PlanOf(Buckets("exp2", 26, 27, 1e-6));
  EXPECT_THAT(Bounds(part), ElementsAre(67.108864, 134.217728));
  EXPECT_THAT(Slots(part), ElementsAre(26, 27));
  EXPECT_EQ(SumOf(part), 28);
}

TEST(HistogramPlan, PowersOfTwoAndZero) {
  const HistogramPlan plan = PlanOf(Buckets("exp2zero", 0, 4));
  EXPECT_THAT(Bounds(plan), ElementsAre(0, 1, 2, 4, 8));
  EXPECT_THAT(Slots(plan), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(Bounds(PlanOf(Buckets("exp2zero", 2, 4, 1000))), ElementsAre(2000, 4000, 8000));
}

TEST(HistogramPlan, Linear) {
  const HistogramPlan plan = PlanOf(Buckets("linear", 5, 9, 0.1));
  // Each bound is rounded by one multiplication, not by a running sum.
  EXPECT_THAT(Bounds(plan), ElementsAre(0.5, 0.6000000000000001, 0.7000000000000001, 0.8, 0.9));
  EXPECT_THAT(Slots(plan), ElementsAre(5, 6, 7, 8, 9));
  EXPECT_EQ(SumOf(plan), 10);
}

TEST(HistogramPlan, Fixed) {
  HistogramConfig config{
      .bucket_type = "fixed", .bucket_multiplier = 0.001, .bucket_keys = {1, 1000, 1000000}};
  const HistogramPlan plan = PlanOf(config);
  EXPECT_THAT(Bounds(plan), ElementsAre(0.001, 1, 1000));
  EXPECT_THAT(Slots(plan), ElementsAre(1, 1000, 1000000));
  EXPECT_EQ(SumOf(plan), 1000001);
}

TEST(HistogramPlan, FixedKeysInAnyOrder) {
  const HistogramConfig config{.bucket_type = "fixed", .bucket_keys = {5, 1, 5, 2.5}};
  EXPECT_THAT(ProblemsOf(config), ElementsAre(HasSubstr("harmless bucket key 2.5 stays empty"),
                                              HasSubstr("harmless the buckets' bounds do not"),
                                              HasSubstr("harmless 1 of 4 buckets are left out")));
  Problems problems;
  const HistogramPlan plan = PlanBuckets(config, problems);
  EXPECT_THAT(Bounds(plan), ElementsAre(1, 2.5, 5));
  EXPECT_THAT(Slots(plan), ElementsAre(1, kNoSlot, 5));
  EXPECT_EQ(SumOf(plan), kNoSlot) << "3.5, after the last one written";
}

TEST(HistogramPlan, NegativeBucketsStayEmpty) {
  Problems problems;
  const HistogramPlan plan = PlanBuckets(Buckets("exp2", -2, 0), problems);
  EXPECT_THAT(Bounds(plan), ElementsAre(0.25, 0.5, 1));
  EXPECT_THAT(Slots(plan), ElementsAre(kNoSlot, kNoSlot, 0));
  EXPECT_EQ(SumOf(plan), 1);
  EXPECT_EQ(SumOf(PlanBuckets(Buckets("linear", -5, -1), problems)), 0);
  EXPECT_EQ(SumOf(PlanBuckets(Buckets("linear", -5, -2), problems)), kNoSlot);
  EXPECT_THAT(ProblemsOf(Buckets("linear", -2, 0)), ElementsAre(HasSubstr("harmless")));
}

TEST(HistogramPlan, ReversedHasNoBucketButASum) {
  Problems problems;
  const HistogramPlan plan = PlanBuckets(Buckets("exp2", 5, 2), problems);
  EXPECT_THAT(Bounds(plan), IsEmpty());
  EXPECT_EQ(SumOf(plan), 3);
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_FALSE(problems[0].fatal);
}

TEST(HistogramPlan, WhatNeverDoes) {
  EXPECT_THAT(ProblemsOf(Buckets("exp", 0, 2)),
              ElementsAre("fatal unknown bucket_type \"exp\", expected exp2, exp2zero, linear or "
                          "fixed (did you mean \"exp2\"?)"));
  EXPECT_THAT(ProblemsOf({.bucket_type = "fixed"}), ElementsAre(HasSubstr("needs bucket_keys")));
  EXPECT_THAT(ProblemsOf(Buckets("linear", 0, 1, std::numeric_limits<double>::infinity())),
              ElementsAre(HasSubstr("no finite number")));
}

TEST(HistogramPlan, HugeRangesAreBounded) {
  for (const auto& [min, max] :
       {std::pair(kMin, kMax), std::pair(int64_t{0}, kMax), std::pair(kMin, int64_t{0}),
        std::pair(int64_t{0}, int64_t{65536})})
    EXPECT_THAT(ProblemsOf(Buckets("linear", min, max)), ElementsAre(HasSubstr("fatal"))) << min;
  EXPECT_THAT(Slots(PlanOf(Buckets("linear", 1, 65536))), SizeIs(65536));
  EXPECT_EQ(Slots(PlanOf(Buckets("linear", kMax, kMax))).back(), uint64_t{kMax});
}

TEST(HistogramPlan, BoundsThatOverflowAreLeftOut) {
  Problems problems;
  const HistogramPlan plan = PlanBuckets(Buckets("exp2", 1022, 1030), problems);
  EXPECT_THAT(Bounds(plan), ElementsAre(0x1p1022, 0x1p1023));
  EXPECT_THAT(Slots(plan), ElementsAre(1022, 1023));
  EXPECT_THAT(problems, SizeIs(1));
}

// Tests with a map.

Compiled PlanHistogram(std::string_view buckets, std::string_view labels, const ObjectMap& map) {
  return PlanYaml("metrics: {histograms: [{name: m, help: h, " + std::string(buckets) +
                      ", labels: [" + std::string(labels) + "]}]}",
                  {.maps = {map}});
}

constexpr std::string_view kExp2 = "bucket_type: exp2, bucket_min: 0, bucket_max: 8";
constexpr std::string_view kSlot = "{name: slot, size: 4, decoders: [{name: uint}]}";

TEST(HistogramPlan, TheLastLabelIsTheSlot) {
  const Compiled planned = PlanHistogram(
      kExp2, "{name: op, size: 2, padding: 2, decoders: [{name: uint}]}," + std::string(kSlot),
      Map("m", BPF_MAP_TYPE_HASH, 8));
  EXPECT_THAT(planned.findings, IsEmpty());
  const MetricPlan& metric = MetricAt(planned.plan, 0);
  EXPECT_EQ(TypeOf(metric), MetricType::kHistogram);
  ASSERT_THAT(metric.labels, SizeIs(1));
  EXPECT_EQ(metric.labels[0].name, "op");
  const auto& histogram = std::get<HistogramPlan>(metric.instrument);
  const auto& in_key = std::get<SlotInKey>(histogram.source);
  EXPECT_EQ(in_key.slot.name, "slot");
  EXPECT_EQ(in_key.slot.field, (FieldPlan{4, 4}));
  EXPECT_EQ(in_key.count, (FieldPlan{.size = 8, .part = Part::kValue}));
  EXPECT_THAT(histogram.buckets, SizeIs(9));
}

TEST(HistogramPlan, WithoutLabelsThereIsNoBucket) {
  EXPECT_THAT(Messages(PlanHistogram(kExp2, "", Map("m")).findings),
              ElementsAre("error x.yaml:1:24: histogram \"m\": expected at least one label: the "
                          "last one is the bucket"));
}

TEST(HistogramPlan, OneBoundIsLeftOut) {
  const Compiled planned =
      PlanHistogram("bucket_type: exp2, bucket_min: 3, bucket_max: 3", kSlot, Map("m"));
  EXPECT_THAT(planned.plan.sources, IsEmpty());
  EXPECT_THAT(Messages(planned.findings), ElementsAre(HasSubstr("warning")));
  EXPECT_THAT(PlanHistogram("bucket_type: fixed, bucket_keys: [1]", kSlot, Map("m")).plan.sources,
              SizeIs(1));
}

TEST(HistogramPlan, TheLabelLeIsTaken) {
  const Compiled planned =
      PlanHistogram(kExp2, "{name: le, size: 4, decoders: [{name: uint}]}," + std::string(kSlot),
                    Map("m", BPF_MAP_TYPE_HASH, 8));
  EXPECT_TRUE(MetricAt(planned.plan, 0).unusable);
}

TEST(HistogramPlan, TheMapMustHoldTheBuckets) {
  const auto messages = [](uint32_t type, uint32_t max_entries) {
    return Messages(PlanHistogram(kExp2, kSlot, Map("m", type, 4, max_entries)).findings);
  };
  EXPECT_THAT(messages(BPF_MAP_TYPE_ARRAY, 10), IsEmpty());
  EXPECT_THAT(messages(BPF_MAP_TYPE_ARRAY, 9),
              ElementsAre(HasSubstr("the sum stays 0: its slot 9 is beyond")));
  EXPECT_THAT(
      messages(BPF_MAP_TYPE_PERCPU_ARRAY, 8),
      ElementsAre(HasSubstr("the buckets need 9 entries, but max_entries of the map is 8")));
  EXPECT_THAT(messages(BPF_MAP_TYPE_HASH, 9), IsEmpty());
  EXPECT_THAT(messages(BPF_MAP_TYPE_HASH, 8), ElementsAre(HasSubstr("the buckets need 9 entries")));
}

TEST(HistogramPlan, TheMapMustHoldTheBucketsOfOneOfItsHistograms) {
  const auto messages = [](std::string_view buckets, uint32_t type, uint32_t max_entries) {
    const std::string labels =
        "{name: op, size: 2, padding: 2, decoders: [{name: uint}]}," + std::string(kSlot);
    return Messages(PlanHistogram(buckets, labels, Map("m", type, 8, max_entries)).findings);
  };
  EXPECT_THAT(messages(kExp2, BPF_MAP_TYPE_HASH, 9), IsEmpty());
  EXPECT_THAT(messages(kExp2, BPF_MAP_TYPE_LRU_PERCPU_HASH, 8),
              ElementsAre(HasSubstr("the buckets of one histogram need 9 entries")));
  // No key is negative, so two of the five slots are never in the map.
  constexpr std::string_view kLinear = "bucket_type: linear, bucket_min: -2, bucket_max: 2";
  EXPECT_THAT(messages(kLinear, BPF_MAP_TYPE_HASH, 3), ElementsAre(HasSubstr("buckets below 0")));
  EXPECT_THAT(messages(kLinear, BPF_MAP_TYPE_HASH, 2),
              testing::Contains(HasSubstr("the buckets of one histogram need 3 entries")));
}

}  // namespace
}  // namespace bpftally
