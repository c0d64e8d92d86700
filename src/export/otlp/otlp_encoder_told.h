#pragma once

// What an endpoint was told, series by series, and how the next batch differs from it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "export/otlp/otlp_options.h"
#include "model/metric_batch.h"

namespace bpftally {

// Of a family of either form.
size_t SeriesCount(const MetricFamily& family);
LabelValues SeriesLabels(const MetricFamily& family, size_t series);

// The last values told. Usually those of one batch. Otherwise composed of several, with one series
// for each that the endpoint knows.
struct OtlpTold {
  std::shared_ptr<const MetricBatch> batch;  // null: nothing
  // Only of a composed batch, one for each of its families: how many of the series live. Those
  // behind were told to have vanished. With deltas they are kept for a while, so that a series that
  // comes back (its collector had failed, or other objects had been chosen) is not counted twice.
  std::vector<size_t> live = {};
  bool composed = false;

  // When the series was told: each one of a composed batch has that in place of its start.
  int64_t ToldAt(int64_t start_time_ns) const {
    return composed ? start_time_ns : batch->collected_at_ns;
  }
};

// Which series of a family are the same ones as last time.
struct OtlpSeriesMatch {
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  std::vector<uint32_t> told;      // of each series of now: its place in the told family, or kNone
  std::vector<uint32_t> vanished;  // places in the told family
};

// One family's points: first its vanished series, then those of now. In this order an endpoint
// that takes only some of each batch never makes us keep more series than the largest batch has.
struct OtlpFamilyPlan {
  const MetricFamily* now = nullptr;   // null: the family is gone
  const MetricFamily* told = nullptr;  // null: it is new
  size_t told_live = 0;                // of told's series
  std::shared_ptr<const OtlpSeriesMatch> match;
  bool delta = false;      // its points are differences
  size_t first_point = 0;  // the plan's points are numbered through

  const FamilySpec& spec() const { return (now != nullptr ? now : told)->spec; }
  size_t end_point() const {
    return first_point + match->vanished.size() + (now != nullptr ? SeriesCount(*now) : 0);
  }
};

// What to tell of `now`, a valid batch, to whom was told `told`. Points into both batches.
std::vector<OtlpFamilyPlan> PlanFamilies(const OtlpTold& told, const MetricBatch& now,
                                         OtlpTemporality temporality);

// What has been told after some of the plan's points were acknowledged.
OtlpTold Compose(const OtlpTold& told, const MetricBatch& now, std::span<const OtlpFamilyPlan> plan,
                 const std::function<bool(size_t point)>& acknowledged);

}  // namespace bpftally
