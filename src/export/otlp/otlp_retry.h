#pragma once

#include <chrono>
#include <functional>
#include <optional>

namespace bpftally {

// Computes how long to leave a receiver alone after a failure. The delay doubles with each failure
// and has jitter, so that many exporters do not come back at once.
class OtlpBackoff {
 public:
  static constexpr std::chrono::seconds kInitial{1};
  static constexpr std::chrono::seconds kLongest{30};
  static constexpr std::chrono::hours kLongestAsked{
      1};  // limits what the receiver, which may be anybody, asks for

  using Random = std::function<double()>;  // in [0, 1)

  explicit OtlpBackoff(Random random) : random_(std::move(random)) {}

  // Returns between half of the current step and all of it, but at least what the receiver asks
  // for.
  std::chrono::nanoseconds Next(std::optional<std::chrono::nanoseconds> retry_after);
  void Reset() { step_ = kInitial; }

 private:
  const Random random_;
  std::chrono::nanoseconds step_ = kInitial;
};

}  // namespace bpftally
