#include "programs/evaluate/source_evaluator.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>

#include "base/clock.h"
#include "host/tables.h"
#include "programs/evaluate/slot_number.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();

// A static_map without entries, which knows no key.
const TextMap kNothing;

template <typename T>
void Append(std::vector<std::byte>& bytes, T number) {
  const auto* begin = reinterpret_cast<const std::byte*>(&number);
  bytes.insert(bytes.end(), begin, begin + sizeof number);
}

RowBuffer Content(size_t key_size, size_t cpus = 1) {
  return {.key_size = key_size, .value_size = sizeof(uint64_t), .cpus = cpus};
}

// Adds an entry: a key of numbers of one width, and the value of each CPU.
template <typename T>
void Put(RowBuffer& content, std::initializer_list<T> key, std::initializer_list<uint64_t> values) {
  for (const T number : key) Append(content.keys, number);
  for (const uint64_t value : values) Append(content.values, value);
}

void PutText(RowBuffer& content, std::string_view key, uint64_t value) {
  for (size_t i = 0; i < content.key_size; ++i)
    content.keys.push_back(static_cast<std::byte>(i < key.size() ? key[i] : '\0'));
  Append(content.values, value);
}

DecoderPlan Uint() { return {.name = "uint"}; }
DecoderPlan String() { return {.name = "string"}; }

constexpr FieldPlan kValue = {.size = 8, .part = Part::kValue};
constexpr FieldPlan kCpu = {.size = 2, .part = Part::kCpu};

// Plans a counter of the entries of a map.
SourcePlan Counter(uint32_t key_size, std::vector<LabelPlan> labels) {
  return {.from = MapSource{"m"},
          .key_size = key_size,
          .metrics = {{.name = "m",
                       .labels = std::move(labels),
                       .instrument = CounterPlan{.value = {.field = kValue, .as_double = true}}}}};
}

ValuePlan& ValueOf(SourcePlan& plan) {
  return std::get<CounterPlan>(plan.metrics[0].instrument).value;
}

SourcePlan EachCpu(uint32_t key_size, std::vector<LabelPlan> labels) {
  SourcePlan plan = Counter(key_size, std::move(labels));
  ValueOf(plan).cpus = CpuRule::kEach;
  return plan;
}

class SourceEvaluatorTest : public testing::Test {
 protected:
  // Returns lines such as "a=1,b=2 17", in the order of the samples.
  std::vector<std::string> Lines(const SourcePlan& plan, const std::vector<RowBuffer>& batches) {
    SourceEvaluator evaluator(plan, {}, tables_, SystemClock());
    EXPECT_FALSE(evaluator.unusable(0)) << evaluator.unusable(0)->message;
    return LinesOf(plan, evaluator, batches);
  }

  std::vector<std::string> LinesOf(const SourcePlan& plan, SourceEvaluator& evaluator,
                                   const std::vector<RowBuffer>& batches) {
    evaluator.Begin({.batch = batch_, .max_series = max_series_, .start_time_ns = 5});
    for (const RowBuffer& rows : batches)
      if (!evaluator.Add(rows.rows())) break;
    return Take(plan, evaluator.Finish()[0]);
  }

  std::vector<std::string> Take(const SourcePlan& plan, Result<Evaluated> result) {
    error_ = result ? "" : result.error().message;
    if (!result) {
      error_kind_ = result.error().kind;
      return {};
    }
    last_ = std::move(*result);
    const std::vector<std::string> names =
        FamilyOf({.const_labels = constants_}, plan.metrics[0]).label_names;
    std::vector<std::string> lines;
    for (const Sample& sample : last_.samples) {
      EXPECT_EQ(sample.start_time_ns, 5);
      lines.push_back(fmt::format("{} {}", Labels(names, sample.labels), Text(sample.value)));
    }
    for (const HistogramSample& histogram : last_.histograms) {
      EXPECT_EQ(histogram.counts.size(), histogram.upper_bounds.size() + 1);
      lines.push_back(fmt::format("{} {} sum {}", Labels(names, histogram.labels), histogram.counts,
                                  histogram.sum ? Text(*histogram.sum) : "none"));
    }
    return lines;
  }

  static std::string Text(const Number& number) {
    return std::visit([](auto value) { return fmt::to_string(value); }, number);
  }

  static std::string Labels(const std::vector<std::string>& names, LabelValues values) {
    std::vector<std::string> labels;
    for (size_t i = 0; i < names.size(); ++i)
      labels.push_back(fmt::format("{}={}", names[i], values[i]));
    return fmt::format("{}", fmt::join(labels, ","));
  }

  TextMap constants_;
  HostTables tables_{HostSources{}, SystemClock()};
  MetricBatch batch_;
  size_t max_series_ = 1'000'000;
  Evaluated last_;
  std::string error_;
  ErrorKind error_kind_ = ErrorKind::kUnsupported;
};

SourcePlan TwoNumbers() {
  return Counter(8, {{"zone", {0, 4}, {Uint()}}, {"area", {4, 4}, {Uint()}}});
}

TEST_F(SourceEvaluatorTest, LabelsAreSortedByName) {
  RowBuffer content = Content(8);
  Put<uint32_t>(content, {1, 2}, {30});
  EXPECT_THAT(Lines(TwoNumbers(), {content}), ElementsAre("area=2,zone=1 30"));
}

TEST_F(SourceEvaluatorTest, NumbersOfEveryWidthBesideOtherLabels) {
  const SourcePlan plan = Counter(18, {{"a", {0, 1}, {Uint()}},
                                       {"e", {1, 2}, {Uint()}},
                                       {"d", {3, 4}, {Uint()}},
                                       {"c", {7, 8}, {Uint()}},
                                       {"b", {15, 3}, {{.name = "hex"}}}});
  RowBuffer content = Content(18);
  PutText(content, std::string(18, '\0'), 1);
  PutText(content, std::string(18, '\xFF'), 2);
  EXPECT_THAT(Lines(plan, {content}),
              ElementsAre("a=0,b=000000,c=0,d=0,e=0 1",
                          "a=255,b=ffffff,c=18446744073709551615,d=4294967295,e=65535 2"));
}

TEST_F(SourceEvaluatorTest, ANumberOfNoKnownWidthIsAnError) {
  const SourcePlan plan = Counter(3, {{"a", {0, 3}, {Uint()}}});
  RowBuffer content = Content(3);
  PutText(content, "abc", 1);
  EXPECT_THAT(Lines(plan, {content}), IsEmpty());
  EXPECT_EQ(error_kind_, ErrorKind::kInvalid);
  EXPECT_EQ(error_, "label \"a\": uint needs 1, 2, 4 or 8 bytes, not 3");
}

TEST_F(SourceEvaluatorTest, TakesTheMapBatchByBatch) {
  RowBuffer first = Content(8);
  Put<uint32_t>(first, {1, 1}, {1});
  RowBuffer second = Content(8);
  Put<uint32_t>(second, {2, 2}, {2});
  Put<uint32_t>(second, {3, 3}, {3});
  EXPECT_THAT(Lines(TwoNumbers(), {first, second}),
              ElementsAre("area=1,zone=1 1", "area=2,zone=2 2", "area=3,zone=3 3"));
  EXPECT_EQ(last_.entries, 3U);
}

TEST_F(SourceEvaluatorTest, CpusAreSummedAsFloatingPoint) {
  RowBuffer content = Content(4, 2);
  Put<uint32_t>(content, {0}, {uint64_t{1} << 53, 1});
  Put<uint32_t>(content, {1}, {kLargest, kLargest});
  const SourcePlan plan = Counter(4, {{"id", {0, 4}, {Uint()}}});
  EXPECT_THAT(Lines(plan, {content}),
              ElementsAre("id=0 9007199254740992", "id=1 3.6893488147419103e+19"));
}

TEST_F(SourceEvaluatorTest, ACpuLabelMakesASeriesOfEachCpu) {
  RowBuffer content = Content(4, 3);
  Put<uint32_t>(content, {7}, {10, 0, 30});
  const SourcePlan plan = EachCpu(4, {{"slot", {0, 4}, {Uint()}}, {"cpu", kCpu, {Uint()}}});
  EXPECT_THAT(Lines(plan, {content}),
              ElementsAre("cpu=0,slot=7 10", "cpu=1,slot=7 0", "cpu=2,slot=7 30"));
}

TEST_F(SourceEvaluatorTest, ACpuLabelAloneNeedsTheKeyZero) {
  SourcePlan plan = EachCpu(4, {{"cpu", kCpu, {Uint()}}});
  plan.metrics[0].needs_zero_key = true;
  RowBuffer zero = Content(4, 2);
  Put<uint32_t>(zero, {0}, {3, 4});
  EXPECT_THAT(Lines(plan, {zero}), ElementsAre("cpu=0 3", "cpu=1 4"));
  RowBuffer one = zero;
  Put<uint32_t>(one, {1}, {5, 6});
  EXPECT_THAT(Lines(plan, {one}), IsEmpty());
  EXPECT_THAT(error_, HasSubstr("four zero bytes"));
}

TEST_F(SourceEvaluatorTest, WithoutLabelsOnlyTheKeyZeroHasAMeaning) {
  SourcePlan plan = Counter(4, {});
  plan.metrics[0].needs_zero_key = true;
  RowBuffer zero = Content(4, 2);
  Put<uint32_t>(zero, {0}, {3, 4});
  EXPECT_THAT(Lines(plan, {zero}), ElementsAre(" 7"));
  EXPECT_EQ(error_, "");

  RowBuffer more = zero;
  Put<uint32_t>(more, {1}, {1, 1});
  EXPECT_THAT(Lines(plan, {more}), IsEmpty());
  EXPECT_EQ(error_kind_, ErrorKind::kInvalid);

  RowBuffer wide = Content(8);
  Put<uint64_t>(wide, {0}, {1});
  plan.key_size = 8;
  EXPECT_THAT(Lines(plan, {wide}), IsEmpty());
  EXPECT_EQ(error_kind_, ErrorKind::kInvalid);
}

TEST_F(SourceEvaluatorTest, WhatDecodesAlikeIsOneSeries) {
  SourcePlan plan = Counter(4, {{"comm", {0, 8}, {String()}}});
  RowBuffer first = Content(8);
  PutText(first, std::string_view("a\0one", 5), 1);
  PutText(first, "b", 10);
  RowBuffer second = Content(8);
  PutText(second, std::string_view("a\0two", 5), 100);
  EXPECT_THAT(Lines(plan, {first, second}), ElementsAre("comm=a 101", "comm=b 10"));
}

TEST_F(SourceEvaluatorTest, WhatPaddingTellsApartIsOneSeries) {
  const SourcePlan plan = Counter(8, {{"id", {0, 4}, {Uint()}}});
  RowBuffer content = Content(8);
  Put<uint32_t>(content, {1, 111}, {1});
  Put<uint32_t>(content, {1, 222}, {2});
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("id=1 3"));
}

TEST_F(SourceEvaluatorTest, InvalidUtf8IsReplacedBeforeSeriesAreTold) {
  const SourcePlan plan = Counter(4, {{"comm", {0, 4}, {String()}}});
  RowBuffer content = Content(4);
  PutText(content, "\xff", 1);
  PutText(content, "\xfe", 2);
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("comm=\xEF\xBF\xBD 3"));
}

// Checks that no content of a value can make two sets of labels one.
TEST_F(SourceEvaluatorTest, LabelSetsDoNotFallTogether) {
  const SourcePlan plan = Counter(8, {{"a", {0, 4}, {String()}}, {"b", {4, 4}, {String()}}});
  RowBuffer content = Content(8);
  PutText(content, std::string_view("x|y\0z\0\0\0", 8), 1);
  PutText(content, std::string_view("x\0\0\0y|z\0", 8), 2);
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("a=x|y,b=z 1", "a=x,b=y|z 2"));
}

TEST_F(SourceEvaluatorTest, AnUndecodableEntryTakesTheMetricWithIt) {
  const SourcePlan plan = Counter(8, {{"call", {0, 8}, {Uint(), {.name = "syscall"}}}});
  RowBuffer content = Content(8);
  Put<uint64_t>(content, {1}, {1});
  Put<uint64_t>(content, {kLargest}, {1});
  EXPECT_THAT(Lines(plan, {content}), IsEmpty());
  EXPECT_EQ(error_kind_, ErrorKind::kInvalid);
  EXPECT_THAT(error_, HasSubstr("label \"call\""));
}

TEST_F(SourceEvaluatorTest, AShortKeyIsAnErrorAndNoCrash) {
  RowBuffer content = Content(2);
  Put<uint16_t>(content, {1}, {1});
  EXPECT_THAT(Lines(TwoNumbers(), {content}), IsEmpty());
  EXPECT_EQ(error_kind_, ErrorKind::kInvalid);
}

TEST_F(SourceEvaluatorTest, UnwantedSeriesAreCounted) {
  const SourcePlan plan =
      Counter(4, {{"id", {0, 4}, {Uint(), {.name = "regexp", .argument = Regexps{"^1"}}}}});
  RowBuffer content = Content(4);
  for (uint32_t i = 0; i < 20; ++i) Put<uint32_t>(content, {i}, {1});
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("id=1 11"));  // each match is "1"
  EXPECT_EQ(last_.unwanted, 9U);
}

TEST_F(SourceEvaluatorTest, SeriesBeyondTheLimitAreCountedAndSumsStayRight) {
  max_series_ = 2;
  const SourcePlan plan = Counter(4, {{"comm", {0, 4}, {String()}}});
  RowBuffer content = Content(4);
  for (const char* name : {"a", "b", "c", "a", "d", "b"}) PutText(content, name, 1);
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("comm=a 2", "comm=b 2"));
  EXPECT_EQ(last_.over_limit, 2U);

  RowBuffer numbers = Content(8);
  for (uint32_t i = 0; i < 5; ++i) Put<uint32_t>(numbers, {i, i}, {1});
  EXPECT_EQ(Lines(TwoNumbers(), {numbers}).size(), 2U);
  EXPECT_EQ(last_.over_limit, 3U);
}

TEST_F(SourceEvaluatorTest, EveryPollOfAMapBeginsAnew) {
  const SourcePlan plan = Counter(4, {{"comm", {0, 4}, {String()}}});
  SourceEvaluator evaluator(plan, {}, tables_, SystemClock());
  RowBuffer content = Content(4);
  PutText(content, "a", 1);
  for (int poll = 0; poll < 3; ++poll) {
    EXPECT_THAT(LinesOf(plan, evaluator, {content}), ElementsAre("comm=a 1"));
    if (poll == 1) evaluator.FreeBuffers();
  }
}

TEST_F(SourceEvaluatorTest, OneOfSeveralValues) {
  SourcePlan plan = Counter(4, {{"id", {0, 4}, {Uint()}}});
  ValueOf(plan).field = FieldPlan{.offset = 8, .size = 8, .part = Part::kValue};
  RowBuffer content = Content(4);
  content.value_size = 16;
  Put<uint32_t>(content, {1}, {111, 222});
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("id=1 222"));
}

TEST_F(SourceEvaluatorTest, ADecoderThatCannotBeMadeIsSaid) {
  const SourcePlan plan = Counter(4, {{"id", {0, 4}, {{.name = "unit"}}}});
  const SourceEvaluator evaluator(plan, {}, tables_, SystemClock());
  ASSERT_TRUE(evaluator.unusable(0));
  EXPECT_EQ(evaluator.unusable(0)->kind, ErrorKind::kInvalid);
  EXPECT_FALSE(evaluator.wanted());
}

// Plans buckets 1, 2, 4 for the slots 0, 1, 2; slot 3 is the sum.
SourcePlan Exp2() {
  return {.from = MapSource{"m"},
          .key_size = 8,
          .metrics = {
              {.name = "h",
               .labels = {{"op", {0, 4}, {Uint()}}},
               .instrument = HistogramPlan{.source = SlotInKey{.slot = {"slot", {4, 4}, {Uint()}}},
                                           .buckets = {{1, 0}, {2, 1}, {4, 2}},
                                           .sum = SumSlot{3}}}}};
}

HistogramPlan& HistogramOf(SourcePlan& plan) {
  return std::get<HistogramPlan>(plan.metrics[0].instrument);
}

LabelPlan& SlotOf(SourcePlan& plan) { return std::get<SlotInKey>(HistogramOf(plan).source).slot; }

TEST_F(SourceEvaluatorTest, BucketsAreFilledInAndTheSumIsInItsSlot) {
  RowBuffer content = Content(8);
  Put<uint32_t>(content, {1, 0}, {10});
  Put<uint32_t>(content, {1, 2}, {20});
  Put<uint32_t>(content, {1, 3}, {777});
  Put<uint32_t>(content, {2, 1}, {5});
  EXPECT_THAT(Lines(Exp2(), {content}),
              ElementsAre("op=1 [10, 0, 20, 0] sum 777", "op=2 [0, 5, 0, 0] sum 0"));
}

TEST_F(SourceEvaluatorTest, SlotsOutsideAreNowhereButTheirHistogramIsThere) {
  RowBuffer content = Content(8);
  Put<uint32_t>(content, {1, 4}, {10});
  Put<uint32_t>(content, {1, 0xffffffff}, {10});
  EXPECT_THAT(Lines(Exp2(), {content}), ElementsAre("op=1 [0, 0, 0, 0] sum 0"));
}

TEST_F(SourceEvaluatorTest, NoKeyReachesABucketWithoutSlot) {
  SourcePlan plan = Exp2();
  plan.metrics[0].labels = {};
  SlotOf(plan).field = {0, 8};
  HistogramOf(plan).buckets[0].slot = kNoSlot;
  HistogramOf(plan).sum = SumSlot{kNoSlot};
  RowBuffer content = Content(8);
  Put<uint64_t>(content, {kLargest}, {10});
  EXPECT_THAT(Lines(plan, {content}), ElementsAre(" [0, 0, 0, 0] sum 0"));
}

TEST_F(SourceEvaluatorTest, HistogramsOfPerCpuMapsAreSummedExactly) {
  RowBuffer content = Content(8, 2);
  Put<uint32_t>(content, {1, 0}, {uint64_t{1} << 53, 1});
  Put<uint32_t>(content, {1, 1}, {kLargest, 3});  // 64 bits wrap
  EXPECT_THAT(Lines(Exp2(), {content}), ElementsAre("op=1 [9007199254740993, 2, 0, 0] sum 0"));
}

TEST_F(SourceEvaluatorTest, TheMultiplierMakesTheSum) {
  SourcePlan plan = Exp2();
  HistogramOf(plan).sum_multiplier = 1e-6;
  RowBuffer content = Content(8);
  Put<uint32_t>(content, {1, 3}, {123'456'789});
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("op=1 [0, 0, 0, 0] sum 123.456789"));
}

TEST_F(SourceEvaluatorTest, SlotsOfOneLabelSetAreSummed) {
  SourcePlan plan = Exp2();
  plan.metrics[0].labels = {
      {"even", {0, 4}, {Uint(), {.name = "regexp", .argument = Regexps{"[02468]$"}}}}};
  plan.metrics[0].labels[0].decoders.push_back({.name = "static_map", .argument = kNothing});
  RowBuffer content = Content(8);
  Put<uint32_t>(content, {12, 0}, {1});
  Put<uint32_t>(content, {22, 0}, {2});
  Put<uint32_t>(content, {23, 0}, {4});
  Put<uint32_t>(content, {32, 3}, {8});
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("even=unknown:2 [3, 0, 0, 0] sum 8"));
  EXPECT_EQ(last_.unwanted, 1U);
}

TEST_F(SourceEvaluatorTest, ASlotThatIsNoNumberFailsButIsNoDecoderError) {
  SourcePlan plan = Exp2();
  SlotOf(plan).decoders = {Uint(), {.name = "static_map", .argument = kNothing}};
  RowBuffer content = Content(8);
  Put<uint32_t>(content, {1, 0}, {1});
  EXPECT_THAT(Lines(plan, {content}), IsEmpty());
  EXPECT_EQ(error_kind_, ErrorKind::kInternal);
  EXPECT_THAT(error_, HasSubstr("\"unknown:0\""));
}

TEST_F(SourceEvaluatorTest, HistogramsBeyondTheLimitAreCounted) {
  max_series_ = 1;
  RowBuffer content = Content(8);
  Put<uint32_t>(content, {1, 0}, {1});
  Put<uint32_t>(content, {2, 0}, {1});
  Put<uint32_t>(content, {1, 1}, {1});
  EXPECT_THAT(Lines(Exp2(), {content}), ElementsAre("op=1 [1, 1, 0, 0] sum 0"));
  EXPECT_EQ(last_.over_limit, 1U);
}

// Kinds of values that ebpf_exporter does not have.

struct Mixed {
  int16_t change = 0;
  uint8_t level = 0;
  uint8_t unused = 0;
  float ratio = 0;
  uint32_t slots[4] = {};
  uint64_t total = 0;
};

RowBuffer MixedRows(std::initializer_list<std::pair<uint32_t, Mixed>> rows) {
  RowBuffer buffer{.key_size = 4, .value_size = sizeof(Mixed)};
  for (const auto& [key, value] : rows) {
    Append(buffer.keys, key);
    Append(buffer.values, value);
  }
  return buffer;
}

SourcePlan GaugeOf(FieldPlan field, RowRule rows, double multiplier = 1) {
  SourcePlan plan = Counter(4, {{"id", {0, 1}, {Uint()}}});
  plan.metrics[0].instrument =
      GaugePlan{.value = {.field = field, .multiplier = multiplier}, .rows = rows};
  return plan;
}

constexpr FieldPlan kChange = {offsetof(Mixed, change), 2, Part::kValue, Encoding::kSigned};
constexpr FieldPlan kRatio = {offsetof(Mixed, ratio), 4, Part::kValue, Encoding::kFloat};

TEST_F(SourceEvaluatorTest, Gauge_SignedField_RuleOfRowsCounts) {
  const RowBuffer rows = MixedRows({{0x101, {.change = -5}}, {0x201, {.change = -7}}});
  EXPECT_THAT(Lines(GaugeOf(kChange, RowRule::kLast), {rows}), ElementsAre("id=1 -7"));
  EXPECT_THAT(Lines(GaugeOf(kChange, RowRule::kMax), {rows}), ElementsAre("id=1 -5"));
  EXPECT_THAT(Lines(GaugeOf(kChange, RowRule::kSum), {rows}), ElementsAre("id=1 -12"));
  EXPECT_THAT(Lines(GaugeOf(kChange, RowRule::kSum, 0.5), {rows}), ElementsAre("id=1 -6"));
}

TEST_F(SourceEvaluatorTest, Gauge_FloatField_IsADouble) {
  const RowBuffer rows = MixedRows({{1, {.ratio = 0.25F}}});
  EXPECT_THAT(Lines(GaugeOf(kRatio, RowRule::kLast), {rows}), ElementsAre("id=1 0.25"));
}

TEST_F(SourceEvaluatorTest, Counter_ExactField_StaysExact) {
  SourcePlan plan = Counter(4, {{"id", {0, 1}, {Uint()}}});
  ValueOf(plan).as_double = false;
  RowBuffer content = Content(4, 2);
  Put<uint32_t>(content, {1}, {(uint64_t{1} << 53) + 1, 0});
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("id=1 9007199254740993"));
}

TEST_F(SourceEvaluatorTest, Counter_FieldBeyondValue_IsAnError) {
  SourcePlan plan = Counter(4, {{"id", {0, 4}, {Uint()}}});
  ValueOf(plan).field = FieldPlan{4, 8, Part::kValue};
  RowBuffer content = Content(4);
  Put<uint32_t>(content, {1}, {1});
  EXPECT_THAT(Lines(plan, {content}), IsEmpty());
  EXPECT_THAT(error_, HasSubstr("8 bytes at byte 4 is not in the 8 bytes"));
}

TEST_F(SourceEvaluatorTest, Counter_Accumulate_AddsEachRead) {
  SourcePlan plan = Counter(4, {{"id", {0, 4}, {Uint()}}});
  std::get<CounterPlan>(plan.metrics[0].instrument).accumulate = true;
  SourceEvaluator evaluator(plan, {}, tables_, SystemClock());
  RowBuffer content = Content(4);
  Put<uint32_t>(content, {1}, {5});
  EXPECT_THAT(LinesOf(plan, evaluator, {content}), ElementsAre("id=1 5"));
  evaluator.FreeBuffers();
  EXPECT_THAT(LinesOf(plan, evaluator, {content}), ElementsAre("id=1 10"));
  EXPECT_THAT(LinesOf(plan, evaluator, {}), ElementsAre("id=1 10"));
}

TEST_F(SourceEvaluatorTest, Histogram_SlotsInValue_AreItsBuckets) {
  SourcePlan plan = Counter(4, {{"id", {0, 1}, {Uint()}}});
  const FieldPlan slots{offsetof(Mixed, slots), 16, Part::kValue};
  plan.metrics[0].instrument =
      HistogramPlan{.source = SlotsInValue{.array = slots, .slot_size = 4},
                    .buckets = {{1, 0}, {2, 1}, {4, 2}},
                    .sum = FieldPlan{offsetof(Mixed, total), 8, Part::kValue},
                    .sum_multiplier = 0.1};
  const RowBuffer rows = MixedRows({{0x101, {.slots = {1, 2, 3, 99}, .total = 40}},
                                    {0x201, {.slots = {10, 0, 0, 0}, .total = 5}}});
  EXPECT_THAT(Lines(plan, {rows}), ElementsAre("id=1 [11, 2, 3, 0] sum 4.5"));
  HistogramOf(plan).sum = {};
  EXPECT_THAT(Lines(plan, {rows}), ElementsAre("id=1 [11, 2, 3, 0] sum none"));
  std::get<SlotsInValue>(HistogramOf(plan).source).slot_size = 0;
  EXPECT_THAT(Lines(plan, {rows}), IsEmpty()) << error_;
}

TEST_F(SourceEvaluatorTest, Histogram_Observed_BoundsAreInclusive) {
  SourcePlan plan = Counter(4, {});
  plan.metrics[0].instrument =
      HistogramPlan{.source = Observed{{.field = kChange}}, .buckets = {{1}, {5}}};
  const RowBuffer rows =
      MixedRows({{1, {.change = 1}}, {2, {.change = 2}}, {3, {.change = 5}}, {4, {.change = 6}}});
  EXPECT_THAT(Lines(plan, {rows}), ElementsAre(" [1, 2, 1] sum 14"));
}

TEST_F(SourceEvaluatorTest, Selectors_OtherRows_AreNotTheMetrics) {
  SourcePlan plan = Counter(4, {{"id", {0, 4}, {Uint()}}});
  const LabelPlan id{"id", {0, 4}, {Uint()}};
  RowBuffer content = Content(4);
  for (uint32_t i = 1; i <= 3; ++i) Put<uint32_t>(content, {i}, {i});
  plan.metrics[0].selectors = {{id, Comparison::kEqual, "2"}};
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("id=2 2"));
  plan.metrics[0].selectors = {{id, Comparison::kNotEqual, "2"}};
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("id=1 1", "id=3 3"));
  EXPECT_EQ(last_.unwanted, 0U);
}

TEST_F(SourceEvaluatorTest, Overflow_ToOther_LosesNoRow) {
  SourcePlan plan = Counter(4, {{"comm", {0, 4}, {String()}}});
  plan.metrics[0].limit = {.series = 1, .overflow_to_other = true};
  RowBuffer content = Content(4);
  for (const char* name : {"a", "b", "c", "a"}) PutText(content, name, 1);
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("comm=a 2", "comm=other 2"));
  EXPECT_EQ(last_.over_limit, 0U);
}

TEST_F(SourceEvaluatorTest, ConstantLabels_EachSeries_HasThem) {
  constants_ = {{"host", "h"}};
  for (const DecoderPlan& decoder : {Uint(), DecoderPlan{.name = "ifname"}}) {
    const SourcePlan plan = Counter(4, {{"id", {0, 4}, {decoder}}});
    SourceEvaluator evaluator(plan, constants_, tables_, SystemClock());
    RowBuffer content = Content(4);
    Put<uint32_t>(content, {4'000'000}, {1});
    EXPECT_THAT(LinesOf(plan, evaluator, {content}), ElementsAre(HasSubstr("host=h,id=")));
  }
}

TEST_F(SourceEvaluatorTest, Fields_OverlapOrGap_FallTogether) {
  // Both labels read the same half of the key: no fast path may take the halves for the whole.
  const SourcePlan plan = Counter(4, {{"a", {0, 2}, {Uint()}}, {"b", {0, 2}, {Uint()}}});
  RowBuffer content = Content(4);
  Put<uint16_t>(content, {1, 1}, {1});
  Put<uint16_t>(content, {1, 2}, {1});
  EXPECT_THAT(Lines(plan, {content}), ElementsAre("a=1,b=1 2"));
}

TEST_F(SourceEvaluatorTest, OneSource_TwoMetrics_EachFaresByItself) {
  SourcePlan plan = Counter(4, {{"id", {0, 4}, {Uint()}}});
  plan.metrics.push_back(plan.metrics[0]);
  plan.metrics[1].labels[0].field.size = 8;  // longer than the key
  SourceEvaluator evaluator(plan, {}, tables_, SystemClock());
  RowBuffer content = Content(4);
  Put<uint32_t>(content, {1}, {5});
  evaluator.Begin({.batch = batch_, .start_time_ns = 5});
  EXPECT_TRUE(evaluator.Add(content.rows()));
  const auto results = evaluator.Finish();
  EXPECT_TRUE(results.at(0));
  EXPECT_EQ(results.at(1).error().kind, ErrorKind::kInvalid);
}

TEST(ParseSlotTest, TakesTheBaseFromThePrefix) {
  EXPECT_EQ(ParseSlot("0").value(), 0U);
  EXPECT_EQ(ParseSlot("17").value(), 17U);
  EXPECT_EQ(ParseSlot("0x1F").value(), 31U);
  EXPECT_EQ(ParseSlot("0XfF").value(), 255U);
  EXPECT_EQ(ParseSlot("0b101").value(), 5U);
  EXPECT_EQ(ParseSlot("0o17").value(), 15U);
  EXPECT_EQ(ParseSlot("0010").value(), 8U);
  EXPECT_EQ(ParseSlot("18446744073709551615").value(), kLargest);
  for (const char* bad :
       {"", "-1", "+1", "08", "0x", "0b2", "1.5", "1 ", "abc", "0x-1", "18446744073709551616"})
    EXPECT_FALSE(ParseSlot(bad)) << bad;
}

// Checks with random content that nothing is lost or counted twice.
TEST_F(SourceEvaluatorTest, TheCountsOfRandomHistogramsAddUp) {
  std::mt19937_64 random(20261121);
  for (int round = 0; round < 200; ++round) {
    RowBuffer content = Content(8);
    std::map<uint32_t, uint64_t> expected;
    std::map<uint32_t, double> sums;
    for (int i = 0; i < 100; ++i) {
      const auto op = static_cast<uint32_t>(random() % 5);
      const auto slot = static_cast<uint32_t>(random() % 6);
      const uint64_t value = random() % 1'000;
      Put<uint32_t>(content, {op, slot}, {value});
      expected[op] += slot <= 2 ? value : 0;
      sums[op] += slot == 3 ? static_cast<double>(value) : 0;
    }
    Lines(Exp2(), {content});
    ASSERT_EQ(last_.histograms.size(), expected.size());
    for (const HistogramSample& histogram : last_.histograms) {
      const auto op = static_cast<uint32_t>(std::stoul(std::string(histogram.labels[0])));
      uint64_t count = 0;
      for (const uint64_t bucket : histogram.counts) count += bucket;
      ASSERT_EQ(count, expected.at(op));
      ASSERT_EQ(std::get<double>(*histogram.sum), sums.at(op));
    }
  }
}

}  // namespace
}  // namespace bpftally
