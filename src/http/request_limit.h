#pragma once

#include <memory>
#include <mutex>

namespace bpftally {

// Counts the limited requests that run. Thread-safe.
class RequestLimit {
 public:
  struct Leave {
    void operator()(RequestLimit* limit) const {
      const std::lock_guard lock(limit->mutex_);
      --limit->running_;
    }
  };
  using Slot = std::unique_ptr<RequestLimit, Leave>;

  explicit RequestLimit(unsigned max) : max_(max) {}  // 0: no limit

  unsigned Max() const { return max_; }
  Slot Enter() {  // null where all are taken
    const std::lock_guard lock(mutex_);
    if (max_ != 0 && running_ >= max_) return nullptr;
    ++running_;
    return Slot(this);
  }

 private:
  const unsigned max_;
  std::mutex mutex_;
  unsigned running_ = 0;
};

}  // namespace bpftally
