#pragma once

// What the test's own process has open and running, for tests that nothing is left over.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <thread>

namespace bpftally {

inline size_t EntriesOf(const char* folder) {
  const std::filesystem::directory_iterator entries(folder);
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

inline size_t Descriptors() { return EntriesOf("/proc/self/fd"); }
inline size_t Threads() { return EntriesOf("/proc/self/task"); }

// The threads that are there when nothing is under way. A sanitizer starts one of its own with the
// first of the process, and a thread that was joined stays in the list for a moment.
inline size_t ThreadsAtRest() {
  std::thread([] {}).join();
  size_t least = Threads();
  for (int sample = 0; sample < 50; ++sample) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    least = std::min(least, Threads());
  }
  return least;
}

// Waits until the process has so many threads.
inline bool SoonHasThreads(size_t count) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (Threads() != count && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return Threads() == count;
}

}  // namespace bpftally
