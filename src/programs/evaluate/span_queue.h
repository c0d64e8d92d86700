#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "model/span_record.h"

namespace bpftally {

// Spans between the thread that reads events and whoever exports them. Any thread.
class SpanQueue {
 public:
  explicit SpanQueue(size_t capacity = 4096) : capacity_(capacity) {}

  // False: it is full, and keeps what it has.
  bool Push(SpanRecord span);

  // The oldest ones, at most so many.
  std::vector<SpanRecord> Take(size_t most);

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::deque<SpanRecord> spans_;
};

}  // namespace bpftally
