#include "http/connection_watch.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace bpftally {

ConnectionWatch::ConnectionWatch(size_t most) : most_(most), thread_([this] { Run(); }) {}

ConnectionWatch::~ConnectionWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void ConnectionWatch::Arm(int fd, std::chrono::seconds patience, RequestLimit::Slot slot) {
  const TimePoint deadline = std::chrono::steady_clock::now() + patience;
  const std::lock_guard lock(mutex_);
  waits_[fd] = {deadline, std::move(slot)};
  if (waits_.size() > most_) CutOffNextToExpire();
  if (deadline >= wake_at_) return;
  wake_at_ = deadline;
  changed_.notify_one();
}

void ConnectionWatch::Disarm(int fd) {
  const std::lock_guard lock(mutex_);
  waits_.erase(fd);
}

RequestLimit::Slot ConnectionWatch::TakeSlot() {
  const std::lock_guard lock(mutex_);
  const auto slots_first = [](const Waits::value_type& entry) {
    return std::pair(entry.second.slot == nullptr, entry.second.deadline);
  };
  const auto next = std::ranges::min_element(waits_, {}, slots_first);
  if (next == waits_.end()) return nullptr;
  RequestLimit::Slot slot = std::move(next->second.slot);
  if (slot != nullptr) CutOff(next);
  return slot;
}

void ConnectionWatch::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_until(lock, wake_at_);
    CutOffExpired(std::chrono::steady_clock::now());
  }
}

void ConnectionWatch::CutOffExpired(TimePoint now) {
  wake_at_ = TimePoint::max();
  for (auto it = waits_.begin(); it != waits_.end();) {
    const TimePoint deadline = it->second.deadline;
    if (deadline > now) {
      wake_at_ = std::min(wake_at_, deadline);
      ++it;
    } else {
      it = CutOff(it);
    }
  }
}

void ConnectionWatch::CutOffNextToExpire() {
  const auto deadline = [](const Waits::value_type& entry) { return entry.second.deadline; };
  CutOff(std::ranges::min_element(waits_, {}, deadline));
}

ConnectionWatch::Waits::iterator ConnectionWatch::CutOff(Waits::iterator connection) {
  // Fails where the client has gone already.
  static_cast<void>(shutdown(connection->first, SHUT_RDWR));
  return waits_.erase(connection);
}

}  // namespace bpftally
