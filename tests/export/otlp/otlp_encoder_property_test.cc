// Checks with random batches and lost requests that an endpoint which adds up the deltas it took
// has the counters' values, and knows of each series whether it exists. The seeds are fixed.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "export/otlp/otlp_decoder.h"
#include "export/otlp/otlp_encoder.h"

namespace bpftally {
namespace {

constexpr int64_t kStart = 500;

using Series = std::pair<std::string, std::string>;  // family, id

// A number, or the buckets of a histogram followed by its sum. Doubles are multiples of 0.5, so
// that sums are exact.
using Amounts = std::vector<double>;

double AsDouble(const Number& number) {
  return std::visit([](auto value) { return static_cast<double>(value); }, number);
}

// Counters that only grow; each batch contains a random part of them.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t end) { return random_() % end; }

  struct Moment {
    std::shared_ptr<const MetricBatch> batch;
    std::map<Series, Amounts> values;
  };

  Moment Next() {
    Moment moment;
    auto batch = std::make_shared<MetricBatch>();
    batch->collected_at_ns = time_ += 1 + static_cast<int64_t>(Below(1000));
    const std::vector<uint64_t> ids = Ids();
    const std::vector<LabelValues> labels = Labels(ids, *batch);
    for (const char* const name :
         {"a_total", "b_bytes_total", "c_seconds_total", "d", "e_seconds"}) {
      if (Below(8) != 0) AddFamily(name, ids, labels, *batch, moment);
    }
    moment.batch = std::move(batch);
    return moment;
  }

 private:
  // Returns ids from a random first one; mostly all of them, and mostly in order.
  std::vector<uint64_t> Ids() {
    first_ += Below(3) == 0 ? Below(12) : 0;
    std::vector<uint64_t> ids;
    for (uint64_t id = first_; id < first_ + kIds; ++id) {
      if (Below(10) != 0) ids.push_back(id);
    }
    if (Below(5) == 0) std::ranges::shuffle(ids, random_);
    return ids;
  }

  std::vector<LabelValues> Labels(const std::vector<uint64_t>& ids, MetricBatch& batch) {
    std::vector<LabelValues> labels;
    labels.reserve(ids.size());
    for (const uint64_t id : ids) labels.push_back(batch.Labels({batch.InternNumber(id), ""}));
    return labels;
  }

  void AddFamily(const std::string& name, const std::vector<uint64_t>& ids,
                 const std::vector<LabelValues>& labels, MetricBatch& batch, Moment& moment) {
    const bool counter = name.ends_with("_total");
    const bool histogram = name == "e_seconds";
    const MetricType type = counter     ? MetricType::kCounter
                            : histogram ? MetricType::kHistogram
                                        : MetricType::kGauge;
    MetricFamily& family = batch.Add({name, "Help.", type, "", {"id", "empty"}}, "test");
    for (size_t i = 0; i < ids.size(); ++i) {
      if (Below(20) == 0) continue;  // this value is unknown
      const Series series{name, std::to_string(ids[i])};
      if (histogram) {
        AddHistogram(series, labels[i], batch, family, moment);
      } else {
        AddNumber(series, labels[i], family, moment);
      }
    }
  }

  void AddNumber(const Series& series, LabelValues labels, MetricFamily& family, Moment& moment) {
    uint64_t& value = counters_[series];
    value += Below(3) == 0 ? 0 : Below(1'000'000);
    const bool halves = series.first == "c_seconds_total";
    const Number number = halves ? Number(static_cast<double>(value) / 2) : Number(value);
    family.samples.push_back({labels, number});
    moment.values[series] = {AsDouble(number)};
  }

  void AddHistogram(const Series& series, LabelValues labels, MetricBatch& batch,
                    MetricFamily& family, Moment& moment) {
    std::vector<uint64_t>& counts = histograms_[series];
    counts.resize(kBounds.size() + 1);
    uint64_t sum = 0;
    for (uint64_t& count : counts) sum += count += Below(4);
    family.histograms.push_back({.labels = labels,
                                 .upper_bounds = batch.Bounds(kBounds),
                                 .counts = batch.Counts(counts),
                                 .sum = Number(sum)});
    Amounts& amounts = moment.values[series];
    amounts.assign(counts.begin(), counts.end());
    amounts.push_back(static_cast<double>(sum));
  }

  static constexpr uint64_t kIds = 40;
  const std::vector<double> kBounds = {1, 2};

  std::mt19937_64 random_;
  int64_t time_ = 1'000;
  uint64_t first_ = 0;
  std::map<Series, uint64_t> counters_;
  std::map<Series, std::vector<uint64_t>> histograms_;
};

// Model of an endpoint: adds up the points that it takes.
class Endpoint {
 public:
  void Take(const OtlpPoint& point) {
    const Series series = SeriesOf(point);
    if (point.no_value) {
      EXPECT_EQ(known_.erase(series), 1U) << series.first << " " << series.second;
      return;
    }
    known_.insert(series);
    Amounts& sum = sums_[series];
    const Amounts amounts = AmountsOf(point);
    sum.resize(amounts.size());
    if (!point.metric.delta) sum.assign(sum.size(), 0);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += amounts[i];
    if (point.metric.delta) CheckInterval(series, point);
  }

  // Forgets the series, since it will not be reported as vanished again.
  void Refuse(const OtlpPoint& point) {
    if (point.no_value) known_.erase(SeriesOf(point));
  }

  static Series SeriesOf(const OtlpPoint& point) {
    EXPECT_EQ(point.labels.size(), 1U);
    return {PrometheusName(point.metric, UnitCheck::kAtEnd), point.labels.at("id")};
  }

  const std::set<Series>& known() const { return known_; }
  const Amounts& SumOf(const Series& series) { return sums_[series]; }

 private:
  static Amounts AmountsOf(const OtlpPoint& point) {
    if (point.metric.type != MetricType::kHistogram) return {AsDouble(point.value)};
    Amounts amounts(point.counts.begin(), point.counts.end());
    amounts.push_back(point.sum.value_or(-1));
    return amounts;
  }

  // Checks that each interval begins where the previous one ended.
  void CheckInterval(const Series& series, const OtlpPoint& point) {
    const auto before = ends_.try_emplace(series, kStart).first;
    EXPECT_EQ(point.start_ns, before->second);
    before->second = point.time_ns;
  }

  std::set<Series> known_;
  std::map<Series, Amounts> sums_;
  std::map<Series, int64_t> ends_;
};

class Run {
 public:
  Run(uint64_t seed, OtlpTemporality temporality)
      : world_(seed), encoder_({}, temporality, "1", kStart) {}

  void TellBatches(int batches) {
    for (int i = 0; i < batches && !testing::Test::HasFailure(); ++i) {
      const World::Moment moment = world_.Next();
      encoder_.Begin(moment.batch);
      refused_ = false;
      if (SendSome(moment)) CheckAllKnown(moment);
    }
  }

  size_t abandoned() const { return abandoned_; }
  size_t finished() const { return finished_; }

 private:
  // Returns true when all of the batch was sent.
  bool SendSome(const World::Moment& moment) {
    const bool good_times = world_.Below(2) == 0;
    while (true) {
      const OtlpChunkLimits limits{.points = 1 + world_.Below(60),
                                   .bytes = 200 + world_.Below(5'000)};
      const auto chunk = encoder_.Next(limits);
      if (!chunk) return ++finished_;
      Answer(*chunk, good_times ? 0 : world_.Below(8), moment);
      if (!good_times && world_.Below(8) == 0) {
        ++abandoned_;
        return false;
      }
    }
  }

  void Answer(const OtlpChunk& chunk, uint64_t chance, const World::Moment& moment) {
    const auto content = DecodeOtlp(chunk.request);
    ASSERT_TRUE(content);
    ASSERT_EQ(content->points.size(), chunk.points);
    if (chance == 1) return;  // no answer: the same request again
    for (const OtlpPoint& point : content->points) {
      if (chance == 2) {
        endpoint_.Refuse(point);
      } else {
        endpoint_.Take(point);
        CheckValue(point, moment);
      }
    }
    refused_ = refused_ || chance == 2;
    chance == 2 ? encoder_.Skip() : encoder_.Acknowledge();
  }

  void CheckValue(const OtlpPoint& point, const World::Moment& moment) {
    const Series series = Endpoint::SeriesOf(point);
    EXPECT_EQ(point.time_ns, moment.batch->collected_at_ns);
    const auto value = moment.values.find(series);
    ASSERT_EQ(value == moment.values.end(), point.no_value);
    if (!point.no_value) {
      EXPECT_EQ(endpoint_.SumOf(series), value->second) << series.first << " " << series.second;
    }
  }

  void CheckAllKnown(const World::Moment& moment) {
    std::set<Series> there;
    for (const auto& [series, amounts] : moment.values) there.insert(series);
    if (refused_) {
      EXPECT_TRUE(std::ranges::includes(there, endpoint_.known()));
    } else {
      EXPECT_EQ(endpoint_.known(), there);
    }
  }

  World world_;
  OtlpEncoder encoder_;
  Endpoint endpoint_;
  bool refused_ = false;  // whether a part of this batch was refused
  size_t abandoned_ = 0;
  size_t finished_ = 0;
};

void CheckRuns(OtlpTemporality temporality) {
  constexpr uint64_t kSeeds = 30;
  constexpr int kBatches = 40;
  size_t abandoned = 0;
  size_t finished = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Run run(seed, temporality);
    run.TellBatches(kBatches);
    abandoned += run.abandoned();
    finished += run.finished();
  }
  EXPECT_GT(abandoned, kSeeds * kBatches / 8);
  EXPECT_GT(finished, kSeeds * kBatches / 8);
}

TEST(OtlpEncoderPropertyTest, DeltasAddUpToWhatWasAcknowledged) {
  CheckRuns(OtlpTemporality::kDelta);
}

TEST(OtlpEncoderPropertyTest, CumulativeValuesAreTheLatest) {
  CheckRuns(OtlpTemporality::kCumulative);
}

}  // namespace
}  // namespace bpftally
