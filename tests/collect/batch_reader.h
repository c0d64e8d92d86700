#pragma once

// Reading a batch in tests: families by name, samples by their labels.

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/metric_batch.h"

namespace bpftally {

using LabelMap = std::map<std::string, std::string>;

inline const MetricFamily* FindFamily(const MetricBatch& batch, std::string_view name) {
  for (const MetricFamily& family : batch.families()) {
    if (family.spec.name == name) return &family;
  }
  return nullptr;
}

inline LabelMap LabelsOf(const MetricFamily& family, const Sample& sample) {
  LabelMap labels;
  for (size_t i = 0; i < family.spec.label_names.size(); ++i)
    labels[family.spec.label_names[i]] = sample.labels[i];
  return labels;
}

// The samples of a family, however it is missing.
inline std::vector<Sample> SamplesOf(const MetricBatch& batch, std::string_view name) {
  const MetricFamily* const family = FindFamily(batch, name);
  return family == nullptr ? std::vector<Sample>() : family->samples;
}

// The value of the series with at least these labels; empty where there is none.
inline std::optional<Number> ValueOf(const MetricBatch& batch, std::string_view name,
                                     const LabelMap& wanted = {}) {
  const MetricFamily* const family = FindFamily(batch, name);
  if (family == nullptr) return std::nullopt;
  for (const Sample& sample : family->samples) {
    const LabelMap labels = LabelsOf(*family, sample);
    bool fits = true;
    for (const auto& [key, value] : wanted) {
      const auto label = labels.find(key);
      fits = fits && label != labels.end() && label->second == value;
    }
    if (fits) return sample.value;
  }
  return std::nullopt;
}

// A label of all samples of a family, in their order.
inline std::vector<std::string> LabelValuesOf(const MetricBatch& batch, std::string_view name,
                                              const std::string& label) {
  std::vector<std::string> values;
  if (const MetricFamily* const family = FindFamily(batch, name)) {
    for (const Sample& sample : family->samples)
      values.push_back(LabelsOf(*family, sample).at(label));
  }
  return values;
}

inline std::optional<Number> Unsigned(uint64_t value) { return Number(value); }

}  // namespace bpftally
