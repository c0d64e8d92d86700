#pragma once

#include <chrono>
#include <cstdint>

namespace bpftally {

// Time comes in through here, so that tests need not wait.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::chrono::steady_clock::time_point Now()
      const = 0;                                // CLOCK_MONOTONIC: deadlines, durations
  virtual int64_t WallNanoseconds() const = 0;  // CLOCK_REALTIME, since the epoch
  virtual int64_t BootNanoseconds()
      const = 0;  // CLOCK_BOOTTIME: the base of bpf_prog_info.load_time
};

// The clock of this machine; lives as long as the process.
const Clock& SystemClock();

}  // namespace bpftally
