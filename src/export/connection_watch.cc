#include "export/connection_watch.h"

#include <sys/socket.h>

#include <algorithm>

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

void ConnectionWatch::Arm(int fd, std::chrono::seconds patience) {
  const TimePoint deadline = std::chrono::steady_clock::now() + patience;
  const std::lock_guard lock(mutex_);
  deadlines_[fd] = deadline;
  if (deadlines_.size() > most_) CutOffNextToExpire();
  if (deadline >= wake_at_) return;
  wake_at_ = deadline;
  changed_.notify_one();
}

void ConnectionWatch::Disarm(int fd) {
  const std::lock_guard lock(mutex_);
  deadlines_.erase(fd);
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
  for (auto it = deadlines_.begin(); it != deadlines_.end();) {
    if (it->second > now) {
      wake_at_ = std::min(wake_at_, it->second);
      ++it;
    } else {
      it = CutOff(it);
    }
  }
}

void ConnectionWatch::CutOffNextToExpire() {
  const auto by_deadline = [](const auto& a, const auto& b) { return a.second < b.second; };
  CutOff(std::ranges::min_element(deadlines_, by_deadline));
}

ConnectionWatch::Deadlines::iterator ConnectionWatch::CutOff(Deadlines::iterator connection) {
  // Fails where the client has gone already.
  static_cast<void>(shutdown(connection->first, SHUT_RDWR));
  return deadlines_.erase(connection);
}

}  // namespace bpftally
