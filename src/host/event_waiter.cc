#include "host/event_waiter.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace bpftally {

Result<EventWaiter> EventWaiter::Make() {
  EventWaiter waiter(UniqueFd(::epoll_create1(EPOLL_CLOEXEC)),
                     UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  if (!waiter.wait_ || !waiter.wake_)
    return std::unexpected(ErrnoError(errno, "cannot wait for events"));
  if (auto watched = waiter.Watch(waiter.wake_.get(), kWoken); !watched)
    return std::unexpected(watched.error());
  return waiter;
}

Result<void> EventWaiter::Watch(int fd, uint64_t number) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = number}};
  if (::epoll_ctl(wait_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return std::unexpected(ErrnoError(errno, "cannot wait for events"));
}

void EventWaiter::Forget(int fd) { ::epoll_ctl(wait_.get(), EPOLL_CTL_DEL, fd, nullptr); }

std::span<const uint64_t> EventWaiter::Wait(std::optional<std::chrono::milliseconds> longest,
                                            std::span<uint64_t> ready) {
  std::array<epoll_event, 64> events{};
  const auto room = static_cast<int>(std::min(events.size(), ready.size()));
  const int patience = longest ? static_cast<int>(longest->count()) : -1;
  const int count = ::epoll_wait(wait_.get(), events.data(), room, patience);
  if (count <= 0) return {};
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    ready[i] = events[i].data.u64;
    eventfd_t wakes = 0;
    if (ready[i] == kWoken) ::eventfd_read(wake_.get(), &wakes);
  }
  return ready.first(static_cast<size_t>(count));
}

void EventWaiter::Wake() const { ::eventfd_write(wake_.get(), 1); }

}  // namespace bpftally
