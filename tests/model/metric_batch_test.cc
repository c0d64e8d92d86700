#include "model/metric_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace bpftally {
namespace {

using testing::HasSubstr;

bool IsAligned(const void* address, size_t alignment) {
  return reinterpret_cast<uintptr_t>(address) % alignment == 0;
}

TEST(MetricBatchTest, EverythingIsAlignedAfterOddStrings) {
  MetricBatch batch;
  const std::vector<double> bounds = {0.5, 1};
  const std::vector<uint64_t> counts = {1, 2, 3};
  for (size_t length = 1; length < 20; ++length) {
    batch.Intern(std::string(length, 'x'));
    EXPECT_TRUE(IsAligned(batch.Labels({"a", "b"}), alignof(std::string_view)));
    batch.Intern("odd");
    EXPECT_TRUE(IsAligned(batch.Bounds(bounds).data(), alignof(double)));
    batch.Intern("o");
    EXPECT_TRUE(IsAligned(batch.Counts(counts).data(), alignof(uint64_t)));
  }
}

TEST(MetricBatchTest, TextsStayWhereTheyAreAndAreCopies) {
  MetricBatch batch;
  std::vector<std::string_view> views;
  std::vector<std::string> texts;
  for (size_t i = 0; i < 20'000; ++i) {  // many blocks
    std::string text(i % 37, static_cast<char>('a' + i % 26));
    views.push_back(batch.Intern(text));
    texts.push_back(text);
    text.assign(text.size(), '#');
  }
  for (size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(views[i], texts[i]) << i;
}

TEST(MetricBatchTest, ATextLargerThanABlockFits) {
  MetricBatch batch;
  const std::string large(300'000, 'y');
  const std::string_view before = batch.Intern("before");
  EXPECT_EQ(batch.Intern(large), large);
  EXPECT_EQ(batch.Intern("after"), "after");
  EXPECT_EQ(before, "before");
}

TEST(MetricBatchTest, InternedTextIsValidUtf8) {
  MetricBatch batch;
  EXPECT_EQ(batch.Intern("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(batch.Intern("\u00E9"), "\u00E9");
  EXPECT_EQ(batch.Intern(""), "");
}

TEST(MetricBatchTest, NumbersAreExact) {
  MetricBatch batch;
  EXPECT_EQ(batch.InternNumber(0), "0");
  EXPECT_EQ(batch.InternNumber(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
}

// A number gives back what it did not need of its room, which the next text takes.
TEST(MetricBatchTest, NumbersStayWhereTheyAreBesideAllElse) {
  constexpr size_t kNumbers = 20'000;  // many blocks
  MetricBatch batch;
  std::vector<std::string_view> views;
  std::vector<std::string> texts;
  for (size_t i = 0; i < kNumbers; ++i) {
    const uint64_t number = std::numeric_limits<uint64_t>::max() >> (i % 64);
    views.push_back(batch.InternNumber(number));
    texts.push_back(std::to_string(number));
    views.push_back(batch.Intern("text"));
    texts.emplace_back("text");
    EXPECT_TRUE(IsAligned(batch.NewLabels(1 + i % 3), alignof(std::string_view)));
  }
  for (size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(views[i], texts[i]) << i;
}

TEST(MetricBatchTest, LabelsBoundsAndCountsAreCopies) {
  MetricBatch batch;
  std::vector<std::string_view> values = {"1", "name"};
  std::vector<double> bounds = {0.25, 4};
  std::vector<uint64_t> counts = {7, 0, 9};
  const LabelValues labels = batch.Labels(values);
  const auto batch_bounds = batch.Bounds(bounds);
  const auto batch_counts = batch.Counts(counts);
  values.assign(2, "#");
  bounds.assign(2, 0);
  counts.assign(3, 0);
  EXPECT_EQ(labels[0], "1");
  EXPECT_EQ(labels[1], "name");
  EXPECT_THAT(batch_bounds, testing::ElementsAre(0.25, 4));
  EXPECT_THAT(batch_counts, testing::ElementsAre(7, 0, 9));
}

TEST(MetricBatchTest, FamiliesStayWhereTheyAreAndAMoveKeepsThem) {
  MetricBatch batch;
  MetricFamily& first = batch.Add({"first", "Help.", MetricType::kGauge, ""}, "test");
  for (int i = 0; i < 1000; ++i) batch.Add({"more", "Help.", MetricType::kGauge, ""}, "test");
  first.samples.push_back({nullptr, uint64_t{42}});
  EXPECT_EQ(&first, &batch.families().front());
  EXPECT_EQ(batch.sample_count(), 1U);

  const std::string_view text = batch.Intern("text");
  const MetricBatch moved = std::move(batch);
  EXPECT_EQ(moved.families().size(), 1001U);
  EXPECT_EQ(moved.sample_count(), 1U);
  EXPECT_EQ(text, "text");
}

TEST(MetricBatchTest, Names) {
  EXPECT_TRUE(IsValidMetricName("bpf_programs:rate5m"));
  EXPECT_FALSE(IsValidMetricName(""));
  EXPECT_FALSE(IsValidMetricName("9lives"));
  EXPECT_FALSE(IsValidMetricName("bpf-programs"));
  EXPECT_TRUE(IsValidLabelName("_type2"));
  EXPECT_FALSE(IsValidLabelName("__name__"));
  EXPECT_FALSE(IsValidLabelName("a:b"));
  EXPECT_FALSE(IsValidLabelName("2nd"));
}

class ValidateTest : public testing::Test {
 protected:
  MetricFamily& Gauge(std::string name, std::vector<std::string> labels = {}) {
    return batch_.Add({std::move(name), "Help.", MetricType::kGauge, "", std::move(labels)},
                      "test");
  }
  MetricFamily& Histogram() {
    return batch_.Add({"h", "Help.", MetricType::kHistogram, ""}, "test");
  }
  HistogramSample Buckets(std::vector<double> bounds, std::vector<uint64_t> counts) {
    return {nullptr, batch_.Bounds(bounds), batch_.Counts(counts), Number(1.5), 0};
  }
  std::string Findings() const {
    const Result<void> result = Validate(batch_);
    return result ? "" : result.error().message;
  }

  MetricBatch batch_;
};

TEST_F(ValidateTest, AGoodBatchHasNoFindings) {
  MetricFamily& gauge = Gauge("bpf_maps", {"type"});
  gauge.samples.push_back({batch_.Labels({"hash"}), uint64_t{1}});
  gauge.samples.push_back({batch_.Labels({"array"}), uint64_t{2}});
  batch_.Add({"bpf_runs_total", "Help.", MetricType::kCounter, ""}, "test")
      .samples.push_back({nullptr, 1.0});
  Histogram().histograms.push_back(Buckets({1, 2}, {3, 4, 5}));
  EXPECT_EQ(Findings(), "");
}

TEST_F(ValidateTest, Names) {
  Gauge("bad-name");
  EXPECT_THAT(Findings(), HasSubstr("bad-name: is no metric name"));
}

TEST_F(ValidateTest, TheSameFamilyTwice) {
  Gauge("twice");
  Gauge("twice");
  EXPECT_THAT(Findings(), HasSubstr("twice: is there twice"));
}

TEST_F(ValidateTest, Help) {
  batch_.Add({"a", "", MetricType::kGauge, ""}, "test");
  batch_.Add({"b", "\xFF", MetricType::kGauge, ""}, "test");
  EXPECT_THAT(Findings(), HasSubstr("a: has no help"));
  EXPECT_THAT(Findings(), HasSubstr("b: has a help that is not UTF-8"));
}

TEST_F(ValidateTest, TotalIsForCounters) {
  Gauge("gauge_total");
  batch_.Add({"counter", "Help.", MetricType::kCounter, ""}, "test");
  EXPECT_THAT(Findings(), HasSubstr("gauge_total: must end in _total"));
  EXPECT_THAT(Findings(), HasSubstr("counter: must end in _total"));
}

TEST_F(ValidateTest, LabelNames) {
  Gauge("a", {"__reserved"});
  Gauge("b", {"same", "same"});
  EXPECT_THAT(Findings(), HasSubstr("a: label \"__reserved\" is no label name"));
  EXPECT_THAT(Findings(), HasSubstr("b: label \"same\" is there twice"));
}

TEST_F(ValidateTest, LabelValuesAreUtf8) {
  const std::string_view bad = "\xFF";  // static, so it passes Intern by
  Gauge("a", {"name"}).samples.push_back({batch_.Labels({bad}), uint64_t{1}});
  EXPECT_THAT(Findings(), HasSubstr("a: has a label value that is not UTF-8"));
}

TEST_F(ValidateTest, TheSameSeriesTwice) {
  MetricFamily& family = Gauge("a", {"x", "y"});
  family.samples.push_back({batch_.Labels({"1", "23"}), uint64_t{1}});
  family.samples.push_back({batch_.Labels({"12", "3"}), uint64_t{1}});
  EXPECT_EQ(Findings(), "");
  family.samples.push_back({batch_.Labels({"12", "3"}), uint64_t{1}});
  EXPECT_THAT(Findings(), HasSubstr("a: has the same series twice"));
}

TEST_F(ValidateTest, TwoSeriesWithoutLabelsAreTheSame) {
  MetricFamily& family = Gauge("a");
  family.samples.assign(2, {nullptr, uint64_t{1}});
  EXPECT_THAT(Findings(), HasSubstr("a: has the same series twice"));
}

TEST_F(ValidateTest, HistogramShapes) {
  Histogram().histograms.push_back(Buckets({1, 2}, {3, 4}));
  EXPECT_THAT(Findings(), HasSubstr("h: has bounds that do not fit its counts"));
}

TEST_F(ValidateTest, HistogramBoundsAscend) {
  Histogram().histograms.push_back(Buckets({2, 2}, {3, 4, 5}));
  EXPECT_THAT(Findings(), HasSubstr("h: has bounds that do not ascend"));
}

TEST_F(ValidateTest, SamplesFitTheType) {
  Gauge("g").histograms.push_back(Buckets({1}, {1, 1}));
  Histogram().samples.push_back({nullptr, uint64_t{1}});
  EXPECT_THAT(Findings(), HasSubstr("g: holds samples of another type"));
  EXPECT_THAT(Findings(), HasSubstr("h: holds samples of another type"));
}

}  // namespace
}  // namespace bpftally
