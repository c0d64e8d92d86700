#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "programs/evaluate/source_evaluator.h"
#include "programs/read/event_reader.h"

namespace bpftally {

// Evaluates the metrics of one source of events. The reader's thread adds events when they come, as
// the things that they name may be gone later; a poll takes what was counted.
class EventEvaluator final : public EventSink {
 public:
  // Takes an evaluator whose tables only the reader's thread uses; all must outlive this.
  explicit EventEvaluator(SourceEvaluator evaluator) : evaluator_(std::move(evaluator)) {}

  void OnEvent(std::span<const std::byte> event) override;
  void OnLost(uint64_t count) override;

  // Result of a poll. Take() may be called by any thread.
  struct Taken {
    std::vector<Result<Evaluated>> metrics;  // in the plan's order
    uint64_t lost = 0;                       // since the start; the kernel had no room for them
  };
  Taken Take(const EvaluationScope& scope);

 private:
  std::mutex mutex_;
  SourceEvaluator evaluator_;
  uint64_t lost_ = 0;
};

}  // namespace bpftally
