#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "model/span_record.h"

namespace bpftally {

// Hands spans from the thread that reads events to the one that exports them. For use by any
// thread.
class SpanQueue {
 public:
  explicit SpanQueue(size_t capacity = 4096) : capacity_(capacity) {}

  // Adds a span; returns false, and changes nothing, if the queue is full.
  bool Push(SpanRecord span);

  // Takes the oldest spans, at most `most` of them.
  std::vector<SpanRecord> Take(size_t most);

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::deque<SpanRecord> spans_;
};

}  // namespace bpftally
