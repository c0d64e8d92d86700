#pragma once

#include <chrono>
#include <functional>
#include <optional>

namespace bpftally {

// How long to leave a receiver alone after it failed: twice as long from time to time, with jitter,
// so that many exporters do not come back at once.
class OtlpBackoff {
 public:
  static constexpr std::chrono::seconds kInitial{1};
  static constexpr std::chrono::seconds kLongest{30};
  static constexpr std::chrono::hours kLongestAsked{1};  // by the receiver, which may be anybody

  using Random = std::function<double()>;  // in [0, 1)

  explicit OtlpBackoff(Random random) : random_(std::move(random)) {}

  // From half of the current step to all of it, and not less than the receiver asks for.
  std::chrono::nanoseconds Next(std::optional<std::chrono::nanoseconds> retry_after);
  void Reset() { step_ = kInitial; }

 private:
  const Random random_;
  std::chrono::nanoseconds step_ = kInitial;
};

}  // namespace bpftally
