#include "export/otlp/otlp_encoder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "export/otlp/otlp_decoder.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr int64_t kStart = 1'000;
constexpr OtlpChunkLimits kNoLimits = {.points = 1'000'000, .bytes = size_t{1} << 30};

using Values = std::vector<std::pair<std::string, Number>>;

FamilySpec Spec(std::string name, MetricType type, std::string unit = "") {
  return {std::move(name), "Help.", type, std::move(unit), {"id"}};
}

// Makes a batch of one family, with a series for each id.
std::shared_ptr<const MetricBatch> Batch(int64_t time, const FamilySpec& spec, const Values& values,
                                         int64_t start_time_ns = 0) {
  auto batch = std::make_shared<MetricBatch>();
  batch->collected_at_ns = time;
  MetricFamily& family = batch->Add(spec, "test");
  for (const auto& [id, value] : values)
    family.samples.push_back({batch->Labels({batch->Intern(id)}), value, start_time_ns});
  return batch;
}

std::shared_ptr<const MetricBatch> Counters(int64_t time, const Values& values) {
  return Batch(time, Spec("x_total", MetricType::kCounter), values);
}

OtlpEncoder Encoder(OtlpTemporality temporality) {
  return {{{"service.name", "test"}}, temporality, "1.2.3", kStart};
}

std::vector<OtlpPoint> PointsOf(const std::optional<OtlpChunk>& chunk) {
  if (!chunk) return {};
  const auto content = DecodeOtlp(chunk->request);
  EXPECT_TRUE(content);
  EXPECT_EQ(content->points.size(), chunk->points);
  return content->points;
}

// Sends and acknowledges the rest of the batch.
std::vector<OtlpPoint> SendRest(OtlpEncoder& encoder, const OtlpChunkLimits& limits = kNoLimits) {
  std::vector<OtlpPoint> sent;
  while (const auto chunk = encoder.Next(limits)) {
    for (OtlpPoint& point : PointsOf(chunk)) sent.push_back(std::move(point));
    encoder.Acknowledge();
  }
  return sent;
}

std::vector<OtlpPoint> Tell(OtlpEncoder& encoder, std::shared_ptr<const MetricBatch> batch) {
  encoder.Begin(std::move(batch));
  return SendRest(encoder);
}

// Lists the values by id; "gone" for a series that vanished.
std::vector<std::pair<std::string, std::string>> Summary(const std::vector<OtlpPoint>& points) {
  std::vector<std::pair<std::string, std::string>> summary;
  for (const OtlpPoint& point : points) {
    const std::string value =
        std::visit([](auto number) { return fmt::format("{}", number); }, point.value);
    const auto id = point.labels.find("id");
    summary.emplace_back(id == point.labels.end() ? "" : id->second,
                         point.no_value ? "gone" : value);
  }
  return summary;
}

TEST(OtlpEncoderTest, RequestNamesItsResource) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  encoder.Begin(Counters(2'000, {{"a", uint64_t{1}}}));
  const auto content = DecodeOtlp(encoder.Next(kNoLimits)->request);
  ASSERT_TRUE(content);
  EXPECT_THAT(content->resource, ElementsAre(Pair("service.name", "test")));
  EXPECT_EQ(content->scope_name, "bpftally");
  EXPECT_EQ(content->scope_version, "1.2.3");
}

TEST(OtlpEncoderTest, CountersAreMonotonicSumsSinceTheirStart) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  const auto points =
      Tell(encoder, Batch(2'000, Spec("run_seconds_total", MetricType::kCounter, "s"),
                          {{"a", uint64_t{5}}}, 500));
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].metric.name, "run");
  EXPECT_EQ(points[0].metric.unit, "s");
  EXPECT_EQ(points[0].metric.description, "Help.");
  EXPECT_EQ(points[0].metric.type, MetricType::kCounter);
  EXPECT_TRUE(points[0].metric.monotonic);
  EXPECT_FALSE(points[0].metric.delta);
  EXPECT_EQ(points[0].start_ns, 500);
  EXPECT_EQ(points[0].time_ns, 2'000);
  EXPECT_EQ(points[0].value, Number(int64_t{5}));
}

TEST(OtlpEncoderTest, CountersOfUnknownStartCountSinceTheProcessStarted) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  EXPECT_EQ(Tell(encoder, Counters(2'000, {{"a", uint64_t{5}}}))[0].start_ns, kStart);
}

TEST(OtlpEncoderTest, AStartIsNeverAfterThePoint) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  EXPECT_EQ(Tell(encoder, Counters(900, {{"a", uint64_t{5}}}))[0].start_ns, 900);
  EXPECT_EQ(Tell(encoder, Counters(800, {{"a", uint64_t{6}}}))[0].start_ns, 800);
}

TEST(OtlpEncoderTest, GaugesHaveNoStart) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  const auto spec = Spec("x", MetricType::kGauge);
  const auto points = Tell(encoder, Batch(2'000, spec, {{"a", int64_t{-5}}}));
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].metric.type, MetricType::kGauge);
  EXPECT_EQ(points[0].start_ns, 0);
  EXPECT_EQ(points[0].value, Number(int64_t{-5}));
  EXPECT_THAT(Summary(Tell(encoder, Batch(3'000, spec, {{"a", int64_t{-7}}}))),
              ElementsAre(Pair("a", "-7")));
}

TEST(OtlpEncoderTest, Fault16IntegersAreExactAsFarAsTheyGo) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  const auto points = Tell(encoder, Batch(2'000, Spec("x", MetricType::kGauge),
                                          {{"a", kMost},
                                           {"b", kMost + 1},
                                           {"c", std::numeric_limits<int64_t>::min()},
                                           {"d", 0.5}}));
  ASSERT_EQ(points.size(), 4U);
  EXPECT_EQ(points[0].value, Number(int64_t{kMost}));
  EXPECT_EQ(points[1].value, Number(9223372036854775808.0));
  EXPECT_EQ(points[2].value, Number(std::numeric_limits<int64_t>::min()));
  EXPECT_EQ(points[3].value, Number(0.5));
}

TEST(OtlpEncoderTest, EmptyLabelsAreOmitted) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  EXPECT_TRUE(Tell(encoder, Counters(2'000, {{"", uint64_t{5}}}))[0].labels.empty());
}

TEST(OtlpEncoderTest, DeltasStartAtTheLastAcknowledgement) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  const auto first = Tell(encoder, Counters(2'000, {{"a", uint64_t{5}}}));
  EXPECT_THAT(Summary(first), ElementsAre(Pair("a", "5")));
  EXPECT_TRUE(first[0].metric.delta);
  EXPECT_EQ(first[0].start_ns, kStart);
  const auto second = Tell(encoder, Counters(3'000, {{"a", uint64_t{7}}}));
  EXPECT_THAT(Summary(second), ElementsAre(Pair("a", "2")));
  EXPECT_EQ(second[0].start_ns, 2'000);
  EXPECT_EQ(second[0].time_ns, 3'000);
}

TEST(OtlpEncoderTest, Fault15ACounterThatFellBeganAnew) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  Tell(encoder, Counters(2'000, {{"u", uint64_t{5}}, {"i", int64_t{5}}, {"d", 5.0}}));
  EXPECT_THAT(
      Summary(Tell(encoder, Counters(3'000, {{"u", uint64_t{3}}, {"i", int64_t{2}}, {"d", 1.5}}))),
      ElementsAre(Pair("u", "3"), Pair("i", "2"), Pair("d", "1.5")));
  EXPECT_THAT(Summary(Tell(encoder, Counters(4'000, {{"u", uint64_t{4}}, {"i", 2.5}, {"d", 2.0}}))),
              ElementsAre(Pair("u", "1"), Pair("i", "0.5"), Pair("d", "0.5")));
}

TEST(OtlpEncoderTest, Fault16DeltasOfLargeIntegersAreExact) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  constexpr uint64_t kLarge = std::numeric_limits<uint64_t>::max() - 10;
  Tell(encoder, Counters(2'000, {{"a", kLarge}}));
  EXPECT_THAT(Summary(Tell(encoder, Counters(3'000, {{"a", kLarge + 3}}))),
              ElementsAre(Pair("a", "3")));
}

TEST(OtlpEncoderTest, CounterWithoutTotalIsNeitherMonotonicNorDelta) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  const auto spec = Spec("ebpf_exporter_ops", MetricType::kCounter);
  Tell(encoder, Batch(2'000, spec, {{"a", uint64_t{5}}}));
  const auto points = Tell(encoder, Batch(3'000, spec, {{"a", uint64_t{7}}}));
  EXPECT_THAT(Summary(points), ElementsAre(Pair("a", "7")));
  EXPECT_EQ(points[0].metric.type, MetricType::kCounter);
  EXPECT_FALSE(points[0].metric.monotonic);
  EXPECT_FALSE(points[0].metric.delta);
  EXPECT_EQ(points[0].start_ns, kStart);
}

TEST(OtlpEncoderTest, Fault14AVanishedSeriesIsReportedOnce) {
  for (const auto temporality : {OtlpTemporality::kCumulative, OtlpTemporality::kDelta}) {
    OtlpEncoder encoder = Encoder(temporality);
    Tell(encoder, Counters(2'000, {{"a", uint64_t{5}}, {"b", uint64_t{6}}, {"c", uint64_t{0}}}));
    const auto points = Tell(encoder, Counters(3'000, {{"a", uint64_t{5}}, {"c", uint64_t{0}}}));
    EXPECT_THAT(Summary(points),
                ElementsAre(Pair("b", "gone"), Pair("a", testing::_), Pair("c", "0")));
    EXPECT_EQ(points[0].time_ns, 3'000);
    EXPECT_EQ(Tell(encoder, Counters(4'000, {{"a", uint64_t{5}}, {"c", uint64_t{0}}})).size(), 2U);
  }
}

TEST(OtlpEncoderTest, AFamilyThatVanishedIsReportedOnce) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  const auto gauge = Spec("x_bytes", MetricType::kGauge, "By");
  Tell(encoder, Batch(2'000, gauge, {{"a", uint64_t{5}}}));
  const auto points = Tell(encoder, Counters(3'000, {{"z", uint64_t{1}}}));
  EXPECT_THAT(Summary(points), testing::UnorderedElementsAre(Pair("a", "gone"), Pair("z", "1")));
  EXPECT_THAT(Summary(Tell(encoder, Counters(4'000, {{"z", uint64_t{1}}}))),
              ElementsAre(Pair("z", "0")));
}

TEST(OtlpEncoderTest, ChangedTypeOrLabelsMakeANewFamily) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  Tell(encoder, Batch(2'000, Spec("x", MetricType::kGauge), {{"a", uint64_t{5}}}));
  const auto points =
      Tell(encoder, Batch(3'000, Spec("x", MetricType::kCounter), {{"a", uint64_t{5}}}));
  ASSERT_EQ(points.size(), 2U);
  EXPECT_NE(points[0].no_value, points[1].no_value);
  FamilySpec other = Spec("x", MetricType::kCounter);
  other.label_names = {"name"};
  EXPECT_EQ(Tell(encoder, Batch(4'000, other, {{"a", uint64_t{5}}})).size(), 2U);
}

TEST(OtlpEncoderTest, ADeltaSeriesThatComesBackIsNotCountedTwice) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  Tell(encoder, Counters(2'000, {{"a", uint64_t{5}}, {"b", uint64_t{6}}}));
  Tell(encoder, Counters(3'000, {{"a", uint64_t{5}}}));
  Tell(encoder, Counters(4'000, {}));
  const auto points = Tell(encoder, Counters(5'000, {{"b", uint64_t{8}}}));
  EXPECT_THAT(Summary(points), ElementsAre(Pair("b", "2")));
  EXPECT_EQ(points[0].start_ns, 2'000);
  EXPECT_THAT(Summary(Tell(encoder, Counters(6'000, {{"b", uint64_t{9}}, {"a", uint64_t{6}}}))),
              ElementsAre(Pair("b", "1"), Pair("a", "1")));
}

TEST(OtlpEncoderTest, LongVanishedSeriesAreForgotten) {
  constexpr int64_t kHour = 3'600'000'000'000;
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  Tell(encoder, Counters(2'000, {{"a", uint64_t{5}}}));
  Tell(encoder, Counters(3'000, {}));
  Tell(encoder, Counters(kHour + 4'000, {}));
  EXPECT_THAT(Summary(Tell(encoder, Counters(kHour + 5'000, {{"a", uint64_t{8}}}))),
              ElementsAre(Pair("a", "8")));
}

TEST(OtlpEncoderTest, NextRepeatsUntilAcknowledged) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  encoder.Begin(Counters(2'000, {{"a", uint64_t{1}}, {"b", uint64_t{2}}, {"c", uint64_t{3}}}));
  EXPECT_EQ(encoder.Next(kNoLimits)->points, 3U);
  EXPECT_THAT(Summary(PointsOf(encoder.Next({.points = 2}))),
              ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_THAT(Summary(PointsOf(encoder.Next({.points = 1}))), ElementsAre(Pair("a", "1")));
  encoder.Acknowledge();
  encoder.Acknowledge();  // acknowledges nothing more
  EXPECT_THAT(Summary(SendRest(encoder)), ElementsAre(Pair("b", "2"), Pair("c", "3")));
  EXPECT_FALSE(encoder.Next(kNoLimits));
}

TEST(OtlpEncoderTest, AnAcknowledgedBatchIsNotSentAgain) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  EXPECT_FALSE(encoder.Next(kNoLimits));
  const auto batch = Counters(2'000, {{"a", uint64_t{1}}});
  EXPECT_EQ(Tell(encoder, batch).size(), 1U);
  EXPECT_TRUE(Tell(encoder, batch).empty());
  EXPECT_EQ(Tell(encoder, Counters(3'000, {{"a", uint64_t{1}}})).size(), 1U);
  EXPECT_TRUE(Tell(encoder, nullptr).empty());
}

TEST(OtlpEncoderTest, AbandonedBatchKeepsAcknowledgedPoints) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  Tell(encoder, Counters(2'000, {{"a", uint64_t{1}}, {"b", uint64_t{1}}, {"c", uint64_t{1}}}));
  encoder.Begin(Counters(3'000, {{"b", uint64_t{2}}, {"c", uint64_t{2}}, {"d", uint64_t{2}}}));
  EXPECT_THAT(Summary(PointsOf(encoder.Next({.points = 2}))),
              ElementsAre(Pair("a", "gone"), Pair("b", "1")));
  encoder.Acknowledge();
  ASSERT_TRUE(encoder.Next(kNoLimits));  // there is no answer
  const auto points = Tell(encoder, Counters(4'000, {{"b", uint64_t{4}}, {"c", uint64_t{4}}}));
  EXPECT_THAT(Summary(points), ElementsAre(Pair("b", "2"), Pair("c", "3")));
  EXPECT_EQ(points[0].start_ns, 3'000);
  EXPECT_EQ(points[1].start_ns, 2'000);
}

TEST(OtlpEncoderTest, SkippedValuesAreNotAcknowledged) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  Tell(encoder, Counters(2'000, {{"a", uint64_t{1}}, {"b", uint64_t{1}}, {"z", uint64_t{1}}}));
  encoder.Begin(Counters(3'000, {{"a", uint64_t{2}}, {"b", uint64_t{2}}}));
  ASSERT_EQ(encoder.Next({.points = 2})->points, 2U);  // vanished z, and a
  encoder.Skip();
  EXPECT_THAT(Summary(SendRest(encoder)), ElementsAre(Pair("b", "1")));
  EXPECT_THAT(Summary(Tell(encoder, Counters(4'000, {{"a", uint64_t{4}}, {"b", uint64_t{4}}}))),
              ElementsAre(Pair("a", "3"), Pair("b", "2")));
}

TEST(OtlpEncoderTest, ASeriesNeverAcknowledgedDoesNotVanish) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  encoder.Begin(Counters(2'000, {{"a", uint64_t{1}}}));
  ASSERT_TRUE(encoder.Next(kNoLimits));
  encoder.Skip();
  EXPECT_FALSE(encoder.Next(kNoLimits));
  encoder.Begin(Counters(3'000, {{"b", uint64_t{1}}}));
  ASSERT_TRUE(encoder.Next(kNoLimits));  // no answer
  EXPECT_THAT(Summary(Tell(encoder, Counters(4'000, {{"c", uint64_t{1}}}))),
              ElementsAre(Pair("c", "1")));
}

// Replaces all series each time, while the endpoint takes only the first requests.
TEST(OtlpEncoderTest, MemoryIsBoundedWhenTheEndpointTakesTooLittle) {
  constexpr uint64_t kSeries = 100;
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  for (uint64_t round = 0; round < 50; ++round) {
    Values values;
    for (uint64_t i = 0; i < kSeries; ++i)
      values.emplace_back(std::to_string(round * kSeries + i), uint64_t{1});
    encoder.Begin(Counters(2'000 + static_cast<int64_t>(round), values));
    EXPECT_LE(encoder.Next(kNoLimits)->points, 2 * kSeries);
    ASSERT_EQ(encoder.Next({.points = kSeries / 2 + round})->points, kSeries / 2 + round);
    encoder.Acknowledge();
  }
}

TEST(OtlpEncoderTest, AnAcknowledgedBatchIsReleasedByTheNext) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  auto first = Counters(2'000, {{"a", uint64_t{1}}});
  const std::weak_ptr<const MetricBatch> kept = first;
  Tell(encoder, std::move(first));
  EXPECT_FALSE(kept.expired());
  Tell(encoder, Counters(3'000, {{"a", uint64_t{1}}}));
  EXPECT_TRUE(kept.expired());
}

struct Buckets {
  std::vector<double> bounds;
  std::vector<uint64_t> counts;
  std::optional<Number> sum;
};

std::shared_ptr<const MetricBatch> Histogram(int64_t time, const Buckets& buckets) {
  auto batch = std::make_shared<MetricBatch>();
  batch->collected_at_ns = time;
  MetricFamily& family = batch->Add(Spec("x_seconds", MetricType::kHistogram, "s"), "test");
  family.histograms.push_back({.labels = batch->Labels({"a"}),
                               .upper_bounds = batch->Bounds(buckets.bounds),
                               .counts = batch->Counts(buckets.counts),
                               .sum = buckets.sum});
  return batch;
}

TEST(OtlpEncoderTest, HistogramsKeepTheirBuckets) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  const auto points = Tell(encoder, Histogram(2'000, {{0.5, 1}, {1, 2, 3}, 4.5}));
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].metric.name, "x");
  EXPECT_FALSE(points[0].metric.delta);
  EXPECT_EQ(points[0].start_ns, kStart);
  EXPECT_THAT(points[0].bounds, ElementsAre(0.5, 1));
  EXPECT_THAT(points[0].counts, ElementsAre(1, 2, 3));
  EXPECT_EQ(points[0].count, 6U);
  EXPECT_EQ(points[0].sum, 4.5);
  EXPECT_EQ(Tell(encoder, Histogram(3'000, {{0.5}, {1, 2}, std::nullopt}))[0].sum, std::nullopt);
  EXPECT_EQ(Tell(encoder, Histogram(4'000, {{-1, 1}, {1, 2, 3}, 4.5}))[0].sum, std::nullopt);
}

TEST(OtlpEncoderTest, DeltasOfHistograms) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kDelta);
  Tell(encoder, Histogram(2'000, {{0.5, 1}, {1, 2, 3}, 4.5}));
  const auto grown = Tell(encoder, Histogram(3'000, {{0.5, 1}, {1, 4, 4}, 6.0}));
  EXPECT_TRUE(grown[0].metric.delta);
  EXPECT_EQ(grown[0].start_ns, 2'000);
  EXPECT_THAT(grown[0].counts, ElementsAre(0, 2, 1));
  EXPECT_EQ(grown[0].count, 3U);
  EXPECT_EQ(grown[0].sum, 1.5);
  const auto fallen = Tell(encoder, Histogram(4'000, {{0.5, 1}, {0, 9, 9}, 5.0}));
  EXPECT_THAT(fallen[0].counts, ElementsAre(0, 9, 9));
  EXPECT_EQ(fallen[0].sum, 5.0);
  const auto other = Tell(encoder, Histogram(5'000, {{0.5, 2}, {1, 9, 9}, 6.0}));
  EXPECT_THAT(other[0].counts, ElementsAre(1, 9, 9));
  const auto fewer = Tell(encoder, Histogram(6'000, {{0.5}, {1, 10}, 6.0}));
  EXPECT_THAT(fewer[0].counts, ElementsAre(1, 10));
}

// A receiver ends only the series whose parts the point carries.
TEST(OtlpEncoderTest, AHistogramThatVanishedEndsEachBucket) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  Tell(encoder, Histogram(2'000, {{0.5}, {1, 2}, 4.5}));
  const auto points = Tell(encoder, Counters(3'000, {}));
  ASSERT_EQ(points.size(), 1U);
  EXPECT_TRUE(points[0].no_value);
  EXPECT_EQ(points[0].metric.type, MetricType::kHistogram);
  EXPECT_THAT(points[0].bounds, ElementsAre(0.5));
  EXPECT_THAT(points[0].counts, ElementsAre(0, 0));
  EXPECT_EQ(points[0].count, 0U);
  EXPECT_EQ(points[0].sum, 0.0);
}

// Sends many series with labels of `length` in chunks: each is full, none exceeds the limits.
void CheckChunkSizes(size_t length, const OtlpChunkLimits& limits) {
  constexpr uint64_t kSeries = 3'000;
  Values values;
  for (uint64_t i = 0; i < kSeries; ++i)
    values.emplace_back(fmt::format("{:>{}}", i, length),
                        std::numeric_limits<uint64_t>::max() >> 1);
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  encoder.Begin(Counters(2'000, values));
  size_t points = 0;
  while (const auto chunk = encoder.Next(limits)) {
    encoder.Acknowledge();
    points += chunk->points;
    EXPECT_LE(chunk->request.size(), limits.bytes);
    EXPECT_LE(chunk->points, limits.points);
    const size_t next = chunk->request.size() + length + 100;
    EXPECT_TRUE(points == kSeries || chunk->points == limits.points || next > limits.bytes)
        << chunk->request.size() << " of " << limits.bytes;
  }
  EXPECT_EQ(points, kSeries);
}

TEST(OtlpEncoderTest, Fault22ChunksAreFullAndNeverTooLarge) {
  for (const size_t length : {5uz, 120uz, 128uz, 300uz, 20'000uz}) {
    SCOPED_TRACE(length);
    CheckChunkSizes(length, {});
    CheckChunkSizes(length, {.points = 100, .bytes = 50'000});
    CheckChunkSizes(length, {.points = 1'000'000, .bytes = 60'000});
  }
}

TEST(OtlpEncoderTest, APointLargerThanTheLimitGoesAlone) {
  OtlpEncoder encoder = Encoder(OtlpTemporality::kCumulative);
  encoder.Begin(Counters(2'000, {{std::string(5'000, 'a'), uint64_t{1}}, {"b", uint64_t{2}}}));
  EXPECT_EQ(encoder.Next({.points = 0, .bytes = 1'000})->points, 1U);
  encoder.Acknowledge();
  EXPECT_THAT(Summary(SendRest(encoder)), ElementsAre(Pair("b", "2")));
}

}  // namespace
}  // namespace bpftally
