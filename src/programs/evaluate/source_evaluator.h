#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "programs/evaluate/evaluator.h"
#include "programs/plan/plan.h"
#include "programs/read/rows.h"

namespace bpftally {

// Evaluates all metrics of one source, whose rows are read once for all of them. Each metric stands
// for itself: a row that one cannot decode does no harm to the others. For use by one thread.
//
// A map is evaluated by Begin(), Add() for each batch, and Finish(). A metric that fails gives
// nothing at this poll, as a sum without one of its rows would be wrong. Events are added at any
// time; Begin() and Finish() at each poll return what was counted since the latest flush, and an
// event that makes no sense is left out and counted.
class SourceEvaluator {
 public:
  // Makes an evaluator, which `tables` and `clock` must outlive. unusable() says which metrics
  // cannot be evaluated, and why.
  SourceEvaluator(const SourcePlan& source, const TextMap& constants, HostTables& tables,
                  const Clock& clock);

  size_t metrics() const { return parts_.size(); }
  const std::optional<Error>& unusable(size_t metric) const { return parts_[metric].unusable; }
  // Makes this metric fail with this error from now on.
  void SetUnusable(size_t metric, Error error);
  bool wanted() const;  // some metric is usable, so the source is worth reading

  // Begins a poll. For events, `scope.start_time_ns` is not used.
  void Begin(const EvaluationScope& scope);
  // Adds rows; fails if no metric is left that could use more of them.
  Result<void> Add(const Rows& rows);
  // Returns the result of each metric. All of them have at most `scope.max_series` series together:
  // the first metrics win. An error of the reader, `read`, becomes the error of each metric without
  // one of its own.
  std::vector<Result<Evaluated>> Finish(const Result<void>& read = {});

  void FreeBuffers();

 private:
  struct Part {
    std::unique_ptr<Evaluator> evaluator;  // null: the metric is unusable
    std::optional<Error> unusable;
    std::optional<Error> failed;  // error of this poll
    uint64_t undecodable = 0;     // events since the latest poll
  };

  bool IsRunning(const Part& part) const { return part.evaluator != nullptr && !part.failed; }
  void AddTo(Part& part, const Rows& rows);
  void FlushIfDue();
  Result<Evaluated> FinishPart(Part& part, const Result<void>& read);

  const bool of_events_;
  const size_t event_size_;  // minimum size of an event
  const std::chrono::nanoseconds flush_interval_;
  const Clock& clock_;
  std::vector<Part> parts_;  // one for each metric
  std::chrono::steady_clock::time_point flushed_;
  int64_t counting_since_ns_ = 0;  // wall clock
  size_t max_series_ = 0;
};

}  // namespace bpftally
