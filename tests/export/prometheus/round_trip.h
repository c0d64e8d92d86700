#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "export/prometheus/exposition_parser.h"
#include "export/prometheus/text_writer.h"
#include "model/metric_batch.h"

namespace bpftally {

inline bool SameDouble(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Compares integers by every digit, and doubles by value.
inline void ExpectValue(const ParsedSample& parsed, const Number& number) {
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

  // Returns the next parsed sample after checking its name and labels.
  ParsedSample Next(const std::string& name, LabelValues values,
                    const std::map<std::string, std::string>& more) {
    if (next_ >= parsed_.samples.size()) {
      ADD_FAILURE() << name << " is missing";
      return {};
    }
    std::map<std::string, std::string> labels = more;
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

  // Makes a count as it is written: integral in OpenMetrics, floating-point in 0.0.4 (as by Go's
  // client).
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

// Checks that the strict parser reads back the contents of a valid batch.
inline void CheckRoundTrip(const MetricBatch& batch, TextFormat format) {
  std::string text;
  WriteText(batch, format, [&](std::string_view chunk) { text += chunk; });
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

}  // namespace bpftally
