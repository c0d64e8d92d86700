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

// All metrics of one source, whose rows are read once for all of them. Each fares by itself: a row
// that one cannot understand harms no other. One thread.
//
// Of a map: Begin, Add for each batch, Finish; a metric with an error is over for this poll, as a
// sum without a row would be wrong. Of events: Add at any time; Begin and Finish at each poll give
// what was counted since the latest flush, and a row without a meaning is left out and counted.
class SourceEvaluator {
 public:
  // `tables` and `clock` must outlive it. What cannot be evaluated is told by `unusable`.
  SourceEvaluator(const SourcePlan& source, const TextMap& constants, HostTables& tables,
                  const Clock& clock);

  size_t metrics() const { return parts_.size(); }
  const std::optional<Error>& unusable(size_t metric) const { return parts_[metric].unusable; }
  // From now on this metric has only this error.
  void SetUnusable(size_t metric, Error error);
  bool wanted() const;  // a metric is usable: there is reason to read the source

  // Of events, `scope.start_time_ns` is not used.
  void Begin(const EvaluationScope& scope);
  // An error: no metric is left that could use more rows.
  Result<void> Add(const Rows& rows);
  // Of each metric. Together they have at most `scope.max_series` series: the first metrics win.
  // `read`: an error of the reader is that of all metrics without one of their own.
  std::vector<Result<Evaluated>> Finish(const Result<void>& read = {});

  void FreeBuffers();

 private:
  struct Part {
    std::unique_ptr<Evaluator> evaluator;  // null where unusable
    std::optional<Error> unusable;
    std::optional<Error> failed;  // at this poll
    uint64_t undecodable = 0;     // events, since the poll before
  };

  bool IsRunning(const Part& part) const { return part.evaluator != nullptr && !part.failed; }
  void AddTo(Part& part, const Rows& rows);
  void FlushIfDue();
  Result<Evaluated> FinishPart(Part& part, const Result<void>& read);

  const bool of_events_;
  const size_t event_size_;  // at least
  const std::chrono::nanoseconds flush_interval_;
  const Clock& clock_;
  std::vector<Part> parts_;  // of each metric
  std::chrono::steady_clock::time_point flushed_;
  int64_t counting_since_ns_ = 0;  // wall clock
  size_t max_series_ = 0;
};

}  // namespace bpftally
