#pragma once

#include <chrono>
#include <cstdint>

namespace bpftally {

// Source of time; tests replace it so that they need not wait.
class Clock {
 public:
  virtual ~Clock() = default;

  // CLOCK_MONOTONIC, for deadlines and durations.
  virtual std::chrono::steady_clock::time_point Now() const = 0;

  // CLOCK_REALTIME, since the epoch.
  virtual int64_t WallNanoseconds() const = 0;

  // CLOCK_BOOTTIME, the base of bpf_prog_info.load_time.
  virtual int64_t BootNanoseconds() const = 0;
};

// Returns this machine's clock, which lives as long as the process.
const Clock& SystemClock();

}  // namespace bpftally
