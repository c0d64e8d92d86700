#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_index.h"
#include "model/metric_batch.h"
#include "programs/evaluate/evaluator.h"

namespace bpftally {

// Puts the series of all metrics of one name into their family, each series once.
class FamilyMerger {
 public:
  // Takes an empty family, which must outlive this.
  explicit FamilyMerger(MetricFamily& family) : family_(family) {}

  // Adds the series that are new; returns how many the family already had.
  uint64_t Take(Evaluated evaluated);

 private:
  template <typename T>
  uint64_t Take(std::vector<T>& to, std::vector<T> from);
  std::string_view Join(LabelValues labels);

  MetricFamily& family_;
  ByteIndex seen_;  // label sets; empty while only one metric has given any
  std::string joined_;
};

}  // namespace bpftally
