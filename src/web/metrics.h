#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "daemon/poller.h"
#include "http/server.h"
#include "web/rendered_texts.h"

namespace bpftally {

// How long a scrape may take, of Prometheus' X-Prometheus-Scrape-Timeout-Seconds: half a second
// less, for the way back, but never less than half of it. Ten seconds where it says nothing usable.
std::chrono::nanoseconds ScrapeBudget(std::string_view timeout_seconds);

// Answers scrapes. Thread-safe.
class MetricsHandler {
 public:
  // Scrapes that come within this time share one look at the kernel.
  static constexpr std::chrono::seconds kMaxAge{1};

  // Both must outlive the handler. `collectors`: what collect[]= may name.
  MetricsHandler(Poller& poller, const Clock& clock, std::vector<std::string_view> collectors,
                 std::chrono::nanoseconds max_age = kMaxAge)
      : poller_(poller), clock_(clock), collectors_(std::move(collectors)), max_age_(max_age) {}

  HttpResponse Handle(const HttpRequest& request);

 private:
  Poller& poller_;
  const Clock& clock_;
  const std::vector<std::string_view> collectors_;
  const std::chrono::nanoseconds max_age_;
  RenderedTexts texts_;
};

}  // namespace bpftally
