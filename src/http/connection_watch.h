#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "http/request_limit.h"

namespace bpftally {

// Cuts off connections that miss a deadline, on a thread of its own. The HTTP library's time-out
// sees silence only: a client that sends a byte now and then would hold a thread for ever. The
// watch also makes room for new connections: of more than `most`, the next to expire is cut off. In
// the same way it frees slots of requests whose reply is being sent.
class ConnectionWatch {
 public:
  explicit ConnectionWatch(size_t most);
  ConnectionWatch(const ConnectionWatch&) = delete;
  ConnectionWatch& operator=(const ConnectionWatch&) = delete;
  ~ConnectionWatch();

  // Shuts the socket down unless Disarm, or Arm again, is called within `patience`; sooner if room
  // is needed. Keeps the slot until then.
  void Arm(int fd, std::chrono::seconds patience, RequestLimit::Slot slot = nullptr);
  // Must be called before the descriptor is closed: its number may be reused right after.
  void Disarm(int fd);
  // Cuts off the next to expire of the connections whose slot it keeps, and returns that slot; null
  // if it keeps none. The slot is never free in between, so nobody else can take it.
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
