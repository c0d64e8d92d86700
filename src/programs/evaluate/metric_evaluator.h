#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/metric_batch.h"
#include "programs/decode/decoder.h"
#include "programs/plan/plan.h"
#include "programs/read/map_content.h"

namespace bpftally {

// One metric's samples of one look, and what was left out of them.
struct Evaluated {
  std::vector<Sample> samples;
  std::vector<HistogramSample> histograms;  // of a histogram, instead of samples
  uint64_t entries = 0;                     // of the map
  uint64_t unwanted = 0;                    // entries that a decoder dropped
  uint64_t over_limit = 0;                  // entries whose series was one too many
};

// The label values of a series, in the batch.
LabelValues PublishLabels(MetricBatch& batch, const std::vector<std::string>& values);

// What one look may cost, and what its samples carry.
struct EvaluationScope {
  MetricBatch& batch;  // owns label values, bounds and counts
  size_t max_series = 1'000'000;
  int64_t start_time_ns = 0;  // since when the map counts, wall clock
};

// Turns the entries of one metric's map into samples. One thread.
//
// Start, Add for each piece of the map, Finish. After an error of Add the look is over: one entry
// that cannot be understood takes the whole metric with it, as a sum without it would be wrong.
class MetricEvaluator {
 public:
  // kInvalid where decoders cannot be made. `tables` must outlive it.
  static Result<std::unique_ptr<MetricEvaluator>> Make(const SourcePlan& source,
                                                       const MetricPlan& plan, HostTables& tables);

  MetricEvaluator() = default;
  MetricEvaluator(const MetricEvaluator&) = delete;
  MetricEvaluator& operator=(const MetricEvaluator&) = delete;
  virtual ~MetricEvaluator() = default;

  // As published: sorted, without a histogram's `le`.
  virtual const std::vector<std::string>& label_names() const = 0;

  // `scope.batch` must live until Finish.
  virtual void Start(const EvaluationScope& scope) = 0;
  virtual Result<void> Add(const MapContent& piece) = 0;  // kInvalid: an entry has no meaning
  virtual Evaluated Finish() = 0;

  virtual void FreeBuffers() = 0;  // between scrapes
};

}  // namespace bpftally
