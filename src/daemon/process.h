#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace bpftally {

// From now on SIGTERM and SIGINT end the process at once and well: while it starts there is nothing
// to take down, and a file or a name server may hang. SIGPIPE ends nothing: whoever reads our log,
// or what we push, may die at any moment.
void EndAtOnceOnSignals();

// SIGHUP waits for WaitForEnd() from now on: one that comes while the process starts ends nothing,
// and is served once all runs. Before any thread begins: they inherit it.
void BlockReloadSignal();

// The same for SIGTERM and SIGINT.
void BlockEndSignals();

// Until SIGTERM or SIGINT. `reload` is called at each SIGHUP.
void WaitForEnd(const std::function<void()>& reload);

// While it lives, the process is gone in so long at the latest, even if a system call hangs; a
// second signal ends it at once. The kernel frees whatever we hold.
class EndGuard {
 public:
  explicit EndGuard(std::chrono::seconds grace);
  EndGuard(const EndGuard&) = delete;
  EndGuard& operator=(const EndGuard&) = delete;
  ~EndGuard();  // nothing can hang any more: the guard's thread must not use what main() takes down

 private:
  struct State;
  std::shared_ptr<State> state_;  // with the thread, which may outlive us
};

// A walk holds few descriptors at a time, but scrapes and iterators add up: take what we may have.
void RaiseFileLimit();

// Gives what one large response took back to the system. glibc would keep the heap of each thread
// that ever served one, and learn from freed blocks to keep ever larger ones.
void KeepHeapSmall();

}  // namespace bpftally
