#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace bpftally {

// Makes SIGTERM and SIGINT end the process at once with success: during the start there is nothing
// to shut down, and a file or a name server may hang. Also ignores SIGPIPE: the reader of our log
// or of our pushes may die at any moment.
void EndAtOnceOnSignals();

// Blocks SIGHUP until WaitForEnd(): one that comes during the start ends nothing, and is served
// once everything runs. Must come before the first thread: threads inherit it.
void BlockReloadSignal();

// Likewise SIGTERM and SIGINT.
void BlockEndSignals();

// Waits for SIGTERM or SIGINT. Calls `reload` at each SIGHUP.
void WaitForEnd(const std::function<void()>& reload);

// Ends the process after `grace` unless the guard is destroyed first, because a system call may
// hang; a second signal ends it at once. The kernel frees whatever the process holds.
class EndGuard {
 public:
  explicit EndGuard(std::chrono::seconds grace);
  EndGuard(const EndGuard&) = delete;
  EndGuard& operator=(const EndGuard&) = delete;
  ~EndGuard();  // from here on the guard's thread touches nothing that main() destroys

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the thread, which may outlive the guard
};

// Raises the soft limit of open files to the hard one. A poll holds few descriptors at a time, but
// scrapes and iterators add up.
void RaiseFileLimit();

// Makes malloc return the memory of large responses to the system. By default glibc keeps the heap
// of each thread that ever served one, and after each freed block keeps larger ones.
void KeepHeapSmall();

}  // namespace bpftally
