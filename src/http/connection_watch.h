#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "http/request_limit.h"

namespace bpftally {

// Cuts off connections that miss a deadline, from one thread of its own. The HTTP library's
// time-out sees silence only: a client that sends a byte now and then would hold a thread for ever.
// It also keeps room for whoever comes: of more than `most` connections, the next to expire goes.
// So it is with the slots of requests whose reply is on its way.
class ConnectionWatch {
 public:
  explicit ConnectionWatch(size_t most);
  ConnectionWatch(const ConnectionWatch&) = delete;
  ConnectionWatch& operator=(const ConnectionWatch&) = delete;
  ~ConnectionWatch();

  // Shuts the socket down unless Disarm, or Arm again, is called within `patience`; sooner where
  // room is wanted. Keeps the slot for so long.
  void Arm(int fd, std::chrono::seconds patience, RequestLimit::Slot slot = nullptr);
  // At the latest before the descriptor is closed: its number may be another's right after.
  void Disarm(int fd);
  // Cuts off the next to expire of those whose slot it keeps, and hands the slot on; null where it
  // keeps none. The slot is never free in between: nobody else can take it.
  RequestLimit::Slot TakeSlot();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Wait {
    TimePoint deadline;
    RequestLimit::Slot slot;
  };
  using Waits = std::unordered_map<int, Wait>;

  void Run();
  void CutOffExpired(TimePoint now);
  void CutOffNextToExpire();
  Waits::iterator CutOff(Waits::iterator connection);

  const size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Waits waits_;
  TimePoint wake_at_ = TimePoint::max();  // the thread sleeps until then: at most the next deadline
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace bpftally
