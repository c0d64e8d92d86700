#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/unique_fd.h"

namespace bpftally {

// Waits until one of many descriptors can be read (epoll), or until another thread says that there
// is something else to do. One thread waits; everything else may be called from any thread
// meanwhile.
class EventWaiter {
 public:
  static constexpr uint64_t kWoken = UINT64_MAX;  // a number that no descriptor has

  static Result<EventWaiter> Make();

  // Adds a descriptor that Wait() reports as `number`. The caller still owns `fd`: Forget() it
  // before it is closed.
  Result<void> Watch(int fd, uint64_t number);
  void Forget(int fd);

  // Puts the numbers of those that can be read at the front of `ready` and returns them, or returns
  // none if `longest` passed first (empty: waits for ever). kWoken is among them if Wake() was
  // called since the last time.
  std::span<const uint64_t> Wait(std::optional<std::chrono::milliseconds> longest,
                                 std::span<uint64_t> ready);

  void Wake() const;  // counts also before the wait begins

 private:
  EventWaiter(UniqueFd wait, UniqueFd wake) : wait_(std::move(wait)), wake_(std::move(wake)) {}

  UniqueFd wait_;
  UniqueFd wake_;
};

}  // namespace bpftally
