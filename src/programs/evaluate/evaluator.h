#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/metric_batch.h"
#include "programs/plan/plan.h"
#include "programs/read/rows.h"

namespace bpftally {

class HostTables;

// One metric's samples of one poll, and what was left out of them since the poll before.
struct Evaluated {
  std::vector<Sample> samples;
  std::vector<HistogramSample> histograms;  // of a histogram, instead of samples
  uint64_t entries = 0;                     // rows of the map; of events: series that are kept
  uint64_t unwanted = 0;                    // rows that a decoder dropped
  uint64_t over_limit = 0;                  // rows whose series was one too many
  uint64_t undecodable = 0;  // events without a meaning; of a map one such row is an error

  size_t series() const { return samples.size() + histograms.size(); }
};

// Bounds of one poll, and what its samples carry.
struct EvaluationScope {
  MetricBatch& batch;  // owns label values, bounds and counts
  size_t max_series = 1'000'000;
  int64_t start_time_ns = 0;  // since when the source counts, wall clock
};

// Whether a metric's series outlive a poll.
enum class Memory : uint8_t {
  kForgets,  // each read has all rows
  kKeeps,    // rows come one by one, and are counted until Forget()
};

// What evaluators of all instruments are made of.
struct EvaluatorParts {
  const SourcePlan& source;
  const MetricPlan& metric;
  const TextMap& constants;  // labels of each series
  HostTables& tables;        // must outlive the evaluator
};

// Turns the rows of a source into the samples of one metric. One thread.
class Evaluator {
 public:
  Evaluator() = default;
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;
  virtual ~Evaluator() = default;

  // As published: sorted, without a histogram's `le`.
  virtual const std::vector<std::string>& label_names() const = 0;

  // Begins a poll. `scope.batch` must live until Finish.
  virtual void Begin(const EvaluationScope& scope) = 0;
  // kInvalid: a row has no meaning. Those before it are added.
  virtual Result<void> Add(const Rows& rows) = 0;
  virtual Evaluated Finish() = 0;

  virtual void Forget() = 0;       // all series
  virtual void FreeBuffers() = 0;  // between polls; what is kept stays
};

// kInvalid where decoders cannot be made.
Result<std::unique_ptr<Evaluator>> MakeEvaluator(const EvaluatorParts& parts);
Result<std::unique_ptr<Evaluator>> MakeCounter(const EvaluatorParts& parts);
Result<std::unique_ptr<Evaluator>> MakeGauge(const EvaluatorParts& parts);
Result<std::unique_ptr<Evaluator>> MakeHistogram(const EvaluatorParts& parts);

}  // namespace bpftally
