#include "programs/evaluate/event_evaluator.h"

namespace bpftally {

void EventEvaluator::OnEvent(std::span<const std::byte> event) {
  const std::scoped_lock lock(mutex_);
  static_cast<void>(evaluator_.Add(RowOf(event)));  // Take() reports the result of each metric
}

void EventEvaluator::OnLost(uint64_t count) {
  const std::scoped_lock lock(mutex_);
  lost_ += count;
}

EventEvaluator::Taken EventEvaluator::Take(const EvaluationScope& scope) {
  const std::scoped_lock lock(mutex_);
  evaluator_.Begin(scope);
  return {evaluator_.Finish(), lost_};
}

}  // namespace bpftally
