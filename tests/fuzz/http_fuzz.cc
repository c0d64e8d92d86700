// A scrape's headers and query, as the HTTP server hands them on.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/fakes.h"
#include "export/prometheus/exposition_parser.h"
#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_input.h"
#include "web/metrics.h"

namespace bpftally {
namespace {

using std::chrono::hours;

// A server whose clock stands still: each request gets the first poll of the kernel.
class Server {
 public:
  HttpResponse Handle(const HttpRequest& request) { return handler_.Handle(request); }

 private:
  FakeClock clock_;
  SourceScript script_;
  Poller poller_{std::make_unique<FakeSource>(script_), TwoCollectors(clock_), clock_,
                 PollerOptions()};
  MetricsHandler handler_{poller_, clock_, {"alpha", "beta"}};
};

std::string_view Header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

void CheckResponse(const HttpResponse& response) {
  if (response.status == 400) return;
  Require(response.status == 200, "an answer, or the scraper's mistake");
  const std::string_view type = Header(response, "Content-Type");
  const bool open_metrics = type == ContentType(TextFormat::kOpenMetrics100);
  Require(open_metrics || type == ContentType(TextFormat::kPrometheus004), "a known type", type);
  if (Header(response, "Content-Encoding") == "gzip")
    return Require((*response.body).starts_with("\x1f\x8b"), "it is gzip");
  const auto parsed = ParseExposition(
      *response.body, open_metrics ? TextFormat::kOpenMetrics100 : TextFormat::kPrometheus004);
  Require(parsed.has_value(), "a strict parser reads it", parsed ? "" : parsed.error());
}

void Check(FuzzInput input) {
  constexpr size_t kMost = 255;
  static Server server;
  const std::string_view timeout = input.Text(kMost);
  const std::string_view accept = input.Text(kMost);
  const std::string_view encoding = input.Text(kMost);
  std::vector<std::string> collect;
  for (uint64_t left = input.Below(3); left > 0; --left) collect.emplace_back(input.Text(kMost));

  const auto budget = ScrapeBudget(timeout);
  Require(budget > std::chrono::nanoseconds(-1) && budget <= hours(1),
          "a scrape's time is bounded");
  CheckResponse(server.Handle({.method = "GET",
                               .path = "/metrics",
                               .query = [&](std::string_view) { return collect; },
                               .header =
                                   [&](std::string_view name) {
                                     if (name == "Accept") return accept;
                                     return name == "Accept-Encoding" ? encoding : timeout;
                                   }}));
}

}  // namespace
}  // namespace bpftally

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bpftally::Check({data, size});
  return 0;
}
