#pragma once

// Compares, series by series, what an endpoint has acknowledged with the next batch.

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

// Number of series and labels of one series, for numbers and histograms alike.
size_t SeriesCount(const MetricFamily& family);
LabelValues SeriesLabels(const MetricFamily& family, size_t series);

// The last acknowledged value of each series. Usually these are the values of one batch. Otherwise
// they are composed from several batches into one that has each series the endpoint knows.
struct OtlpAcknowledged {
  std::shared_ptr<const MetricBatch> batch;  // null: nothing acknowledged yet
  // Number of live series in each family; filled for a composed batch only. The series behind them
  // were reported as vanished. With deltas they are kept for a while, so that a series that comes
  // back (its collector had failed, or other objects had been chosen) is not counted twice.
  std::vector<size_t> live = {};
  bool composed = false;

  // When the series was acknowledged. A composed batch stores that time as the series' start time.
  int64_t AcknowledgedAt(int64_t start_time_ns) const {
    return composed ? start_time_ns : batch->collected_at_ns;
  }
};

// Maps the series of a family to those of the same family that were acknowledged before.
struct OtlpSeriesMatch {
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  // Index of each current series in the acknowledged family, or kNone.
  std::vector<uint32_t> acknowledged;
  std::vector<uint32_t> vanished;  // indexes into the acknowledged family
};

// The points to send for one family: its vanished series first, then the current ones. In this
// order an endpoint that takes only a part of each batch never makes us keep more series than the
// largest batch has.
struct OtlpFamilyPlan {
  const MetricFamily* now = nullptr;           // null: the family vanished
  const MetricFamily* acknowledged = nullptr;  // null: the family is new
  size_t acknowledged_live = 0;                // live series of `acknowledged`
  std::shared_ptr<const OtlpSeriesMatch> match;
  bool delta = false;      // points are differences
  size_t first_point = 0;  // points are numbered throughout the plan

  const FamilySpec& spec() const { return (now != nullptr ? now : acknowledged)->spec; }
  size_t end_point() const {
    return first_point + match->vanished.size() + (now != nullptr ? SeriesCount(*now) : 0);
  }
};

// Plans what to send of `now`, a valid batch. The plan points into both batches.
std::vector<OtlpFamilyPlan> PlanFamilies(const OtlpAcknowledged& acknowledged,
                                         const MetricBatch& now, OtlpTemporality temporality);

// Returns what is acknowledged after the plan's points for which `is_acknowledged` is true.
OtlpAcknowledged Compose(const OtlpAcknowledged& acknowledged, const MetricBatch& now,
                         std::span<const OtlpFamilyPlan> plan,
                         const std::function<bool(size_t point)>& is_acknowledged);

}  // namespace bpftally
