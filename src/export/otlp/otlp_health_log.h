#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "export/otlp/otlp_transport.h"

namespace bpftally {

// Logs each change between working and failing, and at most every ten minutes that a receiver takes
// only a part.
class OtlpHealthLog {
 public:
  // `clock` must outlive it.
  OtlpHealthLog(std::string endpoint, const Clock& clock, OtlpSignal signal = OtlpSignal::kMetrics)
      : endpoint_(std::move(endpoint)), clock_(clock), spans_(signal == OtlpSignal::kTraces) {}

  void Works();
  void Fails(const std::string& why);
  void TakesPart(uint64_t rejected, const std::string& why);

 private:
  const std::string endpoint_;
  const Clock& clock_;
  const bool spans_;
  std::optional<bool> works_;
  std::chrono::steady_clock::time_point failing_since_;
  std::optional<std::chrono::steady_clock::time_point> quiet_until_;
};

}  // namespace bpftally
