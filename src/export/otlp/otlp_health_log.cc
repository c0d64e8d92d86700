#include "export/otlp/otlp_health_log.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace bpftally {

namespace {

constexpr std::chrono::minutes kQuiet{10};

}  // namespace

void OtlpHealthLog::Works() {
  const std::optional<bool> before = std::exchange(works_, true);
  if (before == true) return;
  if (!before) {
    spdlog::info("OTLP: exporting {}to {}", spans_ ? "spans " : "", endpoint_);
    return;
  }
  const std::chrono::duration<double> away = clock_.Now() - failing_since_;
  spdlog::info("OTLP: exporting {}to {} works again after {:.0f} s", spans_ ? "spans " : "",
               endpoint_, away.count());
}

void OtlpHealthLog::Fails(const std::string& why) {
  if (std::exchange(works_, false) == false) return;
  failing_since_ = clock_.Now();
  spdlog::warn("OTLP: exporting {}to {} fails: {}; retrying{}", spans_ ? "spans " : "", endpoint_,
               why, spans_ ? "" : ", with the newest metrics each time");
}

void OtlpHealthLog::TakesPart(uint64_t rejected, const std::string& why) {
  const auto now = clock_.Now();
  if (quiet_until_ && now < *quiet_until_) return;
  quiet_until_ = now + kQuiet;
  spdlog::warn("OTLP: {} refuses {} {} of a request: {}", endpoint_, rejected,
               spans_ ? "spans" : "points", why);
}

}  // namespace bpftally
