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

// Returns how long a scrape may take, from Prometheus' X-Prometheus-Scrape-Timeout-Seconds: half a
// second less, for the way back, but at least half of it. A header that is missing or no number
// counts as ten seconds.
std::chrono::nanoseconds ScrapeBudget(std::string_view timeout_seconds);

// Answers scrapes. Thread-safe.
class MetricsHandler {
 public:
  // Scrapes that come within this time share one poll of the kernel.
  static constexpr std::chrono::seconds kMaxAge{1};

  // Poller and clock must outlive the handler. `collectors`: the names that collect[]= may have.
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
