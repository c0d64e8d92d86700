#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "programs/evaluate/source_evaluator.h"
#include "programs/read/event_reader.h"

namespace bpftally {

// The metrics of one source of events: the reader's thread adds them, at their time, as what they
// name may be gone later; a poll takes what was counted.
class EventEvaluator final : public EventSink {
 public:
  // `evaluator`'s tables are of the reader's thread alone; all must outlive it.
  explicit EventEvaluator(SourceEvaluator evaluator) : evaluator_(std::move(evaluator)) {}

  void OnEvent(std::span<const std::byte> event) override;
  void OnLost(uint64_t count) override;

  // Any thread.
  struct Taken {
    std::vector<Result<Evaluated>> metrics;  // of each, in the plan's order
    uint64_t lost = 0;                       // the kernel had no room for them; since the start
  };
  Taken Take(const EvaluationScope& scope);

 private:
  std::mutex mutex_;
  SourceEvaluator evaluator_;
  uint64_t lost_ = 0;
};

}  // namespace bpftally
