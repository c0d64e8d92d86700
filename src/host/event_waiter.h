#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/unique_fd.h"

namespace bpftally {

// Waits until one of many descriptors can be read (epoll), or another thread says that there is
// something else to do. One thread waits; all else may be called from any thread meanwhile.
class EventWaiter {
 public:
  static constexpr uint64_t kWoken = UINT64_MAX;  // the number of no descriptor

  static Result<EventWaiter> Make();

  // `number` is what Wait() calls it by. `fd` stays its owner's: Forget() it before it is closed.
  Result<void> Watch(int fd, uint64_t number);
  void Forget(int fd);

  // The numbers of those that can be read, at the front of `ready`; none where `longest` passed
  // first (empty: waits for ever). kWoken among them: Wake() was called since the last time.
  std::span<const uint64_t> Wait(std::optional<std::chrono::milliseconds> longest,
                                 std::span<uint64_t> ready);

  void Wake() const;  // also before the waiting begins

 private:
  EventWaiter(UniqueFd wait, UniqueFd wake) : wait_(std::move(wait)), wake_(std::move(wake)) {}

  UniqueFd wait_;
  UniqueFd wake_;
};

}  // namespace bpftally
