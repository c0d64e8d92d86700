#include "export/otlp/otlp_retry.h"

#include <algorithm>

namespace bpftally {

std::chrono::nanoseconds OtlpBackoff::Next(std::optional<std::chrono::nanoseconds> retry_after) {
  const std::chrono::duration<double, std::nano> jittered = step_ * (0.5 + random_() / 2);
  step_ = std::min<std::chrono::nanoseconds>(2 * step_, kLongest);
  const auto delay = std::chrono::duration_cast<std::chrono::nanoseconds>(jittered);
  const std::chrono::nanoseconds asked = retry_after.value_or(std::chrono::nanoseconds(0));
  return std::max(delay, std::min<std::chrono::nanoseconds>(asked, kLongestAsked));
}

}  // namespace bpftally
