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

// Samples of one metric at one poll, and counts of what was left out since the poll before.
struct Evaluated {
  std::vector<Sample> samples;
  std::vector<HistogramSample> histograms;  // for a histogram, in place of samples
  uint64_t entries = 0;                     // rows of the map; for events: series that are kept
  uint64_t unwanted = 0;                    // rows that a decoder dropped
  uint64_t over_limit = 0;                  // rows that would need one series too many
  uint64_t undecodable = 0;  // events that make no sense; in a map one such row is an error

  size_t series() const { return samples.size() + histograms.size(); }
};

// Limits of one poll, and what its samples carry.
struct EvaluationScope {
  MetricBatch& batch;  // owns label values, bounds and counts
  size_t max_series = 1'000'000;
  int64_t start_time_ns = 0;  // start of the source's counting, wall clock
};

// Says whether a metric's series outlive a poll.
enum class Memory : uint8_t {
  kForgets,  // each read has all rows
  kKeeps,    // rows come one by one and are counted until Forget()
};

// Parts that evaluators of all instruments are made from.
struct EvaluatorParts {
  const SourcePlan& source;
  const MetricPlan& metric;
  const TextMap& constants;  // labels that each series has
  HostTables& tables;        // must outlive the evaluator
};

// Turns the rows of a source into the samples of one metric. For use by one thread.
class Evaluator {
 public:
  Evaluator() = default;
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;
  virtual ~Evaluator() = default;

  // Returns the names as published: sorted, without a histogram's `le`.
  virtual const std::vector<std::string>& label_names() const = 0;

  // Begins a poll. `scope.batch` must live until Finish.
  virtual void Begin(const EvaluationScope& scope) = 0;
  // Adds rows. Fails with kInvalid at a row that makes no sense; the rows before it are added.
  virtual Result<void> Add(const Rows& rows) = 0;
  virtual Evaluated Finish() = 0;

  virtual void Forget() = 0;       // drops all series
  virtual void FreeBuffers() = 0;  // called between polls; drops no series
};

// Fails with kInvalid if decoders cannot be made.
Result<std::unique_ptr<Evaluator>> MakeEvaluator(const EvaluatorParts& parts);
Result<std::unique_ptr<Evaluator>> MakeCounter(const EvaluatorParts& parts);
Result<std::unique_ptr<Evaluator>> MakeGauge(const EvaluatorParts& parts);
Result<std::unique_ptr<Evaluator>> MakeHistogram(const EvaluatorParts& parts);

}  // namespace bpftally
