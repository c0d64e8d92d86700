#include "base/clock.h"

#include <ctime>
#include <tuple>

namespace bpftally {
namespace {

int64_t Nanoseconds(clockid_t id) {
  timespec now{};
  std::ignore = clock_gettime(id, &now);  // cannot fail: every Linux has these clocks
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class RealClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point Now() const override {
    return std::chrono::steady_clock::now();
  }
  int64_t WallNanoseconds() const override { return Nanoseconds(CLOCK_REALTIME); }
  int64_t BootNanoseconds() const override { return Nanoseconds(CLOCK_BOOTTIME); }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

}  // namespace bpftally
