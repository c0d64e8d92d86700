#pragma once

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/metric_batch.h"

namespace bpftally {

// Makes random batches that pass Validate.
class BatchMaker {
 public:
  // Returns a number below `end`, or any of 64 bits for 0.
  using Source = std::function<uint64_t(uint64_t end)>;

  explicit BatchMaker(Source next) : next_(std::move(next)) {}

  MetricBatch Make() {
    MetricBatch batch;
    const uint64_t families = Below(8);
    for (uint64_t i = 0; i < families; ++i) AddFamily(batch, i);
    return batch;
  }

 private:
  uint64_t Below(uint64_t end) { return next_(end); }
  uint64_t Any() { return next_(0); }

  std::string Name(std::string_view alphabet) {
    std::string name(1, "abcXYZ_"[Below(7)]);
    for (uint64_t left = Below(12); left > 0; --left) name += alphabet[Below(alphabet.size())];
    return name;
  }

  // Makes random bytes, many of which need escaping.
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
        return std::bit_cast<double>(Any());
    }
  }

  Number Value(MetricType type) {
    const double any = Double();
    if (type == MetricType::kCounter) {
      if (Below(2) == 0) return Any() >> Below(64);
      return std::isnan(any) ? 0.0 : std::abs(any);
    }
    if (Below(3) == 0) return any;
    const uint64_t bits = Any() >> Below(64);
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

  const Source next_;
};

}  // namespace bpftally
