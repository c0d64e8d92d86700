#include "export/prometheus/collectable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "export/prometheus/exposition_parser.h"
#include "export/prometheus/text_writer.h"
#include "model/metric_batch.h"

namespace bpftally {
namespace {

constexpr TextFormat kOld = TextFormat::kPrometheus004;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Makes a batch that prometheus::TextSerializer 1.0.1 writes correctly. Omits what it gets wrong:
// numbers of more than 16 digits (it prints 16), newlines in help texts (it does not escape them),
// NaN (it prints "Nan"), and histograms without a sum (it always prints one).
MetricBatch OracleBatch() {
  MetricBatch batch;
  const LabelValues plain = batch.Labels({"1", "handle_exec"});
  const LabelValues escaped = batch.Labels({"2", "a\\b\"c\nd"});
  const std::vector<std::string> labels = {"id", "name"};

  MetricFamily& counter = batch.Add({.name = "bpf_size_bytes_total",
                                     .help = "Its \"size\" in bytes.",
                                     .type = MetricType::kCounter,
                                     .unit = "By",
                                     .label_names = labels},
                                    "test");
  counter.samples.push_back({.labels = plain, .value = uint64_t{1} << 53});
  counter.samples.push_back({.labels = escaped, .value = 0.25});

  MetricFamily& gauge =
      batch.Add({.name = "bpf_level", .help = "Level.", .unit = "", .label_names = {"l"}}, "test");
  const std::array<Number, 8> values = {int64_t{-5}, 0.1,        1e300,    5e-324,
                                        kInfinity,   -kInfinity, -1.5e-07, uint64_t{0}};
  for (uint64_t i = 0; i < values.size(); ++i) {
    gauge.samples.push_back(
        {.labels = batch.Labels({batch.InternNumber(i)}), .value = values.at(i)});
  }

  batch.Add({.name = "bpf_empty", .help = "Nothing.", .unit = ""}, "test");

  MetricFamily& histogram = batch.Add({.name = "bpf_latency_seconds",
                                       .help = "Latency.",
                                       .type = MetricType::kHistogram,
                                       .unit = "s",
                                       .label_names = labels},
                                      "test");
  for (const LabelValues series : {plain, escaped}) {
    histogram.histograms.push_back({.labels = series,
                                    .upper_bounds = batch.Bounds(std::array{0.001, 1.0, 100.0}),
                                    .counts = batch.Counts(std::array<uint64_t, 4>{1, 0, 5, 2}),
                                    .sum = 12.5});
  }
  return batch;
}

using Series = std::tuple<std::string, std::map<std::string, std::string>, double>;

std::vector<Series> SeriesOf(const ParsedFamily& family) {
  std::vector<Series> series;
  series.reserve(family.samples.size());
  for (const ParsedSample& sample : family.samples) {
    series.emplace_back(sample.name, sample.labels, sample.value);
  }
  return series;
}

TEST(PrometheusCollectableTest, PrometheusCppWritesWhatWeWrite) {
  const MetricBatch batch = OracleBatch();
  std::string our_text;
  WriteText(batch, kOld, [&](std::string_view chunk) { our_text += chunk; });
  const auto ours = ParseExposition(our_text, kOld);
  ASSERT_TRUE(ours) << ours.error();
  const std::string their_text =
      prometheus::TextSerializer().Serialize(ToPrometheusFamilies(batch));
  const auto theirs = ParseExposition(their_text, kOld);
  ASSERT_TRUE(theirs) << theirs.error() << "\n" << their_text;

  ASSERT_EQ(ours->size(), 3U);
  ASSERT_EQ(theirs->size(), ours->size());
  for (size_t i = 0; i < ours->size(); ++i) {
    EXPECT_EQ((*theirs)[i].name, (*ours)[i].name);
    EXPECT_EQ((*theirs)[i].type, (*ours)[i].type);
    EXPECT_EQ((*theirs)[i].help, (*ours)[i].help);
    // Ignores the order within a family: it writes a histogram's count and sum first.
    EXPECT_THAT(SeriesOf((*theirs)[i]), testing::UnorderedElementsAreArray(SeriesOf((*ours)[i])));
  }
}

TEST(PrometheusCollectableTest, KeepsValuesTheSerializerGetsWrong) {
  MetricBatch batch;
  MetricFamily& gauge = batch.Add({.name = "g", .help = "Two\nlines.", .unit = ""}, "test");
  gauge.samples.push_back({.value = std::numeric_limits<double>::quiet_NaN()});
  MetricFamily& histogram =
      batch.Add({.name = "h", .help = "Help.", .type = MetricType::kHistogram, .unit = ""}, "test");
  histogram.histograms.push_back({.upper_bounds = batch.Bounds(std::array{1.0}),
                                  .counts = batch.Counts(std::array<uint64_t, 2>{3, 4}),
                                  .sum = std::nullopt});

  const auto families = ToPrometheusFamilies(batch);
  ASSERT_EQ(families.size(), 2U);
  EXPECT_EQ(families[0].help, "Two\nlines.");
  EXPECT_TRUE(std::isnan(families[0].metric.at(0).gauge.value));
  const auto& converted = families[1].metric.at(0).histogram;
  EXPECT_EQ(converted.sample_count, 7U);
  EXPECT_TRUE(std::isnan(converted.sample_sum));  // unknown is not zero
  ASSERT_EQ(converted.bucket.size(), 2U);
  EXPECT_EQ(converted.bucket[0].upper_bound, 1.0);
  EXPECT_EQ(converted.bucket[0].cumulative_count, 3U);
  EXPECT_EQ(converted.bucket[1].upper_bound, kInfinity);
  EXPECT_EQ(converted.bucket[1].cumulative_count, 7U);
}

}  // namespace
}  // namespace bpftally
