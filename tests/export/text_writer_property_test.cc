// Random batches, written in both formats and read back by the strict parser, say the same as
// before. The seeds are fixed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "export/exposition_parser.h"
#include "export/text_writer.h"
#include "model/metric_batch.h"

namespace bpftally {
namespace {

using LabelMap = std::map<std::string, std::string>;

// Makes up a batch that Validate has nothing against.
class BatchMaker {
 public:
  explicit BatchMaker(uint64_t seed) : random_(seed) {}

  MetricBatch Make() {
    MetricBatch batch;
    const uint64_t families = Below(8);
    for (uint64_t i = 0; i < families; ++i) AddFamily(batch, i);
    return batch;
  }

 private:
  uint64_t Below(uint64_t end) { return random_() % end; }

  std::string Name(std::string_view alphabet) {
    std::string name(1, "abcXYZ_"[Below(7)]);
    for (uint64_t left = Below(12); left > 0; --left) name += alphabet[Below(alphabet.size())];
    return name;
  }

  // Any bytes at all, with what has to be escaped well represented.
  std::string Bytes() {
    std::string bytes;
    for (uint64_t left = Below(3) == 0 ? Below(60) : Below(10); left > 0; --left) {
      bytes += Below(4) == 0 ? "\\\"\n"[Below(3)] : static_cast<char>(Below(256));
    }
    return bytes;
  }

  std::string Help() {
    std::string help = "H";
    for (uint64_t left = Below(40); left > 0; --left) help += "help \\\"\n\u00e9"[Below(8)];
    return help;
  }

  double Double() {
    switch (Below(6)) {
      case 0:
        return std::numeric_limits<double>::quiet_NaN();
      case 1:
        return std::numeric_limits<double>::infinity();
      case 2:
        return -std::numeric_limits<double>::infinity();
      case 3:
        return static_cast<double>(Below(1'000'000)) / 1'000;
      default:
        return std::bit_cast<double>(random_());
    }
  }

  Number Value(MetricType type) {
    const double any = Double();
    if (type == MetricType::kCounter) {
      if (Below(2) == 0) return random_() >> Below(64);
      return std::isnan(any) ? 0.0 : std::abs(any);
    }
    if (Below(3) == 0) return any;
    const uint64_t bits = random_() >> Below(64);
    return Below(2) == 0 ? Number(bits) : Number(std::bit_cast<int64_t>(bits));
  }

  FamilySpec Spec(uint64_t index) {
    constexpr std::string_view kNameAlphabet = "abzAZ019_:";
    constexpr std::string_view kLabelAlphabet = "abzAZ019";
    FamilySpec spec{.name = fmt::format("{}{}", Name(kNameAlphabet), index),
                    .help = Help(),
                    .type = static_cast<MetricType>(Below(3)),
                    .unit = Below(2) == 0 ? "By" : ""};
    if (Below(2) == 0) spec.name += "_bytes";
    if (spec.type == MetricType::kCounter) spec.name += "_total";
    for (uint64_t i = Below(4); i > 0; --i) {
      spec.label_names.push_back(fmt::format("l{}{}", Name(kLabelAlphabet), i));
    }
    return spec;
  }

  void AddFamily(MetricBatch& batch, uint64_t index) {
    MetricFamily& family = batch.Add(Spec(index), "test");
    std::set<std::vector<std::string_view>> seen;
    for (uint64_t left = Below(30); left > 0; --left) {
      std::vector<std::string_view> values;
      values.reserve(family.spec.label_names.size());
      for (size_t i = 0; i < family.spec.label_names.size(); ++i) {
        values.push_back(batch.Intern(Bytes()));
      }
      if (!seen.insert(values).second) continue;
      if (family.spec.type == MetricType::kHistogram) {
        family.histograms.push_back(Histogram(batch, batch.Labels(values)));
      } else {
        family.samples.push_back(
            {.labels = batch.Labels(values), .value = Value(family.spec.type)});
      }
    }
  }

  HistogramSample Histogram(MetricBatch& batch, LabelValues labels) {
    std::set<double> bounds;
    for (uint64_t left = Below(10); left > 0; --left) {
      const double bound = Double();
      if (std::isfinite(bound)) bounds.insert(bound);
    }
    std::vector<uint64_t> counts;
    for (size_t i = 0; i <= bounds.size(); ++i) counts.push_back(Below(1'000'000));
    HistogramSample sample{.labels = labels,
                           .upper_bounds = batch.Bounds(std::vector(bounds.begin(), bounds.end())),
                           .counts = batch.Counts(counts),
                           .sum = std::nullopt};
    if (Below(2) == 0) sample.sum = Value(MetricType::kGauge);
    return sample;
  }

  std::mt19937_64 random_;
};

bool SameDouble(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Integers by every digit, doubles by value.
void ExpectValue(const ParsedSample& parsed, const Number& number) {
  std::visit(
      [&](auto value) {
        if constexpr (std::is_integral_v<decltype(value)>) {
          EXPECT_EQ(parsed.value_text, std::to_string(value));
        } else {
          EXPECT_TRUE(SameDouble(parsed.value, value)) << parsed.value_text << " for " << value;
        }
      },
      number);
}

class Comparison {
 public:
  Comparison(const MetricFamily& family, const ParsedFamily& parsed, TextFormat format)
      : family_(family), spec_(family.spec), parsed_(parsed), format_(format) {}

  void Check() {
    CheckSpec();
    for (const Sample& sample : family_.samples) {
      ExpectValue(Next(spec_.name, sample.labels, {}), sample.value);
    }
    for (const HistogramSample& sample : family_.histograms) CheckHistogram(sample);
    EXPECT_EQ(next_, parsed_.samples.size());
  }

 private:
  bool open_metrics() const { return format_ == TextFormat::kOpenMetrics100; }

  void CheckSpec() {
    static const std::map<MetricType, std::string> kTypes = {{MetricType::kCounter, "counter"},
                                                             {MetricType::kGauge, "gauge"},
                                                             {MetricType::kHistogram, "histogram"}};
    const bool is_total = open_metrics() && spec_.type == MetricType::kCounter;
    EXPECT_EQ(parsed_.name + (is_total ? "_total" : ""), spec_.name);
    EXPECT_EQ(parsed_.type, kTypes.at(spec_.type));
    EXPECT_EQ(parsed_.help, spec_.help);
    const bool has_unit = open_metrics() && spec_.unit == "By" && parsed_.name.ends_with("_bytes");
    EXPECT_EQ(parsed_.unit, has_unit ? "bytes" : "");
  }

  // The next sample read, after a look at its name and labels.
  ParsedSample Next(const std::string& name, LabelValues values, const LabelMap& more) {
    if (next_ >= parsed_.samples.size()) {
      ADD_FAILURE() << name << " is missing";
      return {};
    }
    LabelMap labels = more;
    for (size_t i = 0; i < spec_.label_names.size(); ++i) labels[spec_.label_names[i]] = values[i];
    const ParsedSample& sample = parsed_.samples[next_++];
    EXPECT_EQ(sample.name, name);
    EXPECT_EQ(sample.labels, labels);
    return sample;
  }

  void CheckHistogram(const HistogramSample& sample) {
    uint64_t cumulative = 0;
    for (size_t i = 0; i < sample.counts.size(); ++i) {
      ASSERT_LT(next_, parsed_.samples.size());
      const std::string le = parsed_.samples[next_].labels.at("le");
      const bool last = i == sample.upper_bounds.size();
      EXPECT_EQ(std::strtod(le.c_str(), nullptr),
                last ? std::numeric_limits<double>::infinity() : sample.upper_bounds[i]);
      cumulative += sample.counts[i];
      ExpectValue(Next(spec_.name + "_bucket", sample.labels, {{"le", le}}), Count(cumulative));
    }
    const bool negative = !sample.upper_bounds.empty() && sample.upper_bounds[0] < 0;
    const bool has_sum = sample.sum && !(open_metrics() && negative);
    if (has_sum) ExpectValue(Next(spec_.name + "_sum", sample.labels, {}), *sample.sum);
    if (has_sum || !open_metrics()) {
      ExpectValue(Next(spec_.name + "_count", sample.labels, {}), Count(cumulative));
    }
  }

  // Whole numbers in OpenMetrics; floating point ones in 0.0.4, as Go's client prints them.
  Number Count(uint64_t count) const {
    if (open_metrics()) return count;
    return static_cast<double>(count);
  }

  const MetricFamily& family_;
  const FamilySpec& spec_;
  const ParsedFamily& parsed_;
  TextFormat format_;
  size_t next_ = 0;
};

void CheckRoundTrip(const MetricBatch& batch, TextFormat format) {
  std::string text;
  WriteText(batch, format, [&](std::string_view piece) { text += piece; });
  const auto parsed = ParseExposition(text, format);
  ASSERT_TRUE(parsed) << parsed.error() << "\n" << text;
  size_t next = 0;
  for (const MetricFamily& family : batch.families()) {
    if (family.samples.empty() && family.histograms.empty()) continue;
    ASSERT_LT(next, parsed->size());
    Comparison(family, (*parsed)[next++], format).Check();
  }
  EXPECT_EQ(next, parsed->size());
}

TEST(TextWriterPropertyTest, WhatIsWrittenReadsTheSame) {
  constexpr uint64_t kSeeds = 500;
  size_t samples = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const MetricBatch batch = BatchMaker(seed).Make();
    ASSERT_TRUE(Validate(batch)) << Validate(batch).error().message;
    CheckRoundTrip(batch, TextFormat::kPrometheus004);
    CheckRoundTrip(batch, TextFormat::kOpenMetrics100);
    samples += batch.sample_count();
  }
  constexpr size_t kEnough = 10'000;
  EXPECT_GT(samples, kEnough);  // or the maker makes nothing worth a test
}

}  // namespace
}  // namespace bpftally
