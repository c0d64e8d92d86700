#include "programs/evaluate/span_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace bpftally {

bool SpanQueue::Push(SpanRecord span) {
  const std::scoped_lock lock(mutex_);
  if (spans_.size() >= capacity_) return false;
  spans_.push_back(std::move(span));
  return true;
}

std::vector<SpanRecord> SpanQueue::Take(size_t most) {
  const std::scoped_lock lock(mutex_);
  const auto end = spans_.begin() + static_cast<std::ptrdiff_t>(std::min(most, spans_.size()));
  std::vector<SpanRecord> taken(std::move_iterator(spans_.begin()), std::move_iterator(end));
  spans_.erase(spans_.begin(), end);
  return taken;
}

}  // namespace bpftally
