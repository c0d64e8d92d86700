#include "daemon/process.h"

#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>

#include "daemon/exit_status.h"

namespace bpftally {
namespace {

constexpr std::array kEndSignals = {SIGTERM, SIGINT};

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kEndSignals) sigaddset(&signals, signal);
  return signals;
}

}  // namespace

void EndAtOnceOnSignals() {
  for (const int signal : kEndSignals)
    (void)std::signal(signal, [](int) { ::_exit(kExitSuccess); });
  (void)std::signal(SIGPIPE, SIG_IGN);
}

void BlockEndSignals() {
  const sigset_t signals = EndSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void BlockReloadSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void WaitForEnd(const std::function<void()>& reload) {
  sigset_t signals = EndSignals();
  sigaddset(&signals, SIGHUP);
  int signal = -1;
  while (signal < 0 || signal == SIGHUP) {
    signal = sigwaitinfo(&signals, nullptr);
    if (signal == SIGHUP) reload();
  }
  spdlog::info("{}: ending", signal == SIGTERM ? "SIGTERM" : "SIGINT");
}

struct EndGuard::State {
  std::mutex mutex;
  bool over = false;
};

EndGuard::EndGuard(std::chrono::seconds grace) : state_(std::make_shared<State>()) {
  std::thread([grace, state = state_] {
    const sigset_t signals = EndSignals();
    const timespec patience{grace.count(), 0};
    int signal = -1;
    do {
      signal = sigtimedwait(&signals, nullptr, &patience);
    } while (signal < 0 && errno == EINTR);
    const std::lock_guard lock(state->mutex);
    if (state->over) return;
    if (signal < 0) spdlog::warn("a system call or a push does not return: ending without it");
    ::_exit(signal < 0 ? int{kExitSuccess} : 128 + signal);
  }).detach();
}

EndGuard::~EndGuard() {
  const std::lock_guard lock(state_->mutex);
  state_->over = true;
}

void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    spdlog::warn("cannot raise the limit of open files: {}", std::strerror(errno));
}

void KeepHeapSmall() {
  constexpr int kArenas = 2;
  constexpr int kMapFromBytes = 1 << 20;
  mallopt(M_ARENA_MAX, kArenas);
  mallopt(M_MMAP_THRESHOLD, kMapFromBytes);
}

}  // namespace bpftally
