#include "web/metrics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "base/suggest.h"
#include "export/gzip.h"
#include "export/prometheus/text_writer.h"

namespace bpftally {
namespace {

using CollectorNames = decltype(TextForm::collectors);

constexpr double kDefaultTimeout = 10;
constexpr double kLongestTimeout = 600;
constexpr double kOffset = 0.5;

// Families that belong to no collector (the state of the collectors, the build) are in every
// answer.
FamilyFilter SelectCollectors(const CollectorNames& wanted,
                              const std::vector<std::string_view>& collectors) {
  if (wanted.empty()) return {};
  return [&](const MetricFamily& family) {
    return wanted.contains(family.collector) ||
           std::ranges::find(collectors, family.collector) == collectors.end();
  };
}

std::optional<std::string> UnknownCollector(const CollectorNames& wanted,
                                            const std::vector<std::string_view>& collectors) {
  for (const std::string& name : wanted) {
    if (std::ranges::find(collectors, name) != collectors.end()) continue;
    return fmt::format("collect[]: no collector \"{}\" is on{}; there are {}\n", name,
                       DidYouMean(name, collectors), fmt::join(collectors, ", "));
  }
  return std::nullopt;
}

std::string Render(const MetricBatch& batch, const TextForm& form, const FamilyFilter& filter) {
  std::string body;
  if (!form.gzip) {
    constexpr size_t kLineBytes =
        128;  // longer than most lines; memory that is not touched costs nothing
    body.reserve(batch.sample_count() * kLineBytes);
    WriteText(batch, form.format, [&](std::string_view text) { body += text; }, filter);
    return body;
  }
  GzipStream stream(&body);
  WriteText(batch, form.format, [&](std::string_view text) { stream.Write(text); }, filter);
  stream.Finish();
  return body;
}

}  // namespace

std::chrono::nanoseconds ScrapeBudget(std::string_view timeout_seconds) {
  double timeout = 0;
  const char* begin = std::to_address(timeout_seconds.begin());
  const char* end = begin + timeout_seconds.size();
  const auto [stop, error] = std::from_chars(begin, end, timeout);
  if (error != std::errc() || stop != end || !std::isfinite(timeout) || timeout <= 0)
    timeout = kDefaultTimeout;
  timeout = std::min(timeout, kLongestTimeout);
  const std::chrono::duration<double> budget(std::max(timeout - kOffset, timeout / 2));
  return std::chrono::duration_cast<std::chrono::nanoseconds>(budget);
}

HttpResponse MetricsHandler::Handle(const HttpRequest& request) {
  const auto deadline =
      clock_.Now() + ScrapeBudget(request.header("X-Prometheus-Scrape-Timeout-Seconds"));
  const std::vector<std::string> asked = request.query("collect[]");
  const TextForm form{.format = NegotiateFormat(request.header("Accept")),
                      .gzip = AcceptsGzip(request.header("Accept-Encoding")),
                      .collectors = {asked.begin(), asked.end()}};
  if (auto unknown = UnknownCollector(form.collectors, collectors_))
    return {400, std::move(*unknown), {{"Content-Type", "text/plain; charset=utf-8"}}};

  const auto result = poller_.Poll(max_age_, deadline);
  auto text = texts_.Get(result, form, [&] {
    return Render(result->batch, form, SelectCollectors(form.collectors, collectors_));
  });
  HttpResponse response{200,
                        std::move(text),
                        {{"Content-Type", std::string(ContentType(form.format))},
                         {"Cache-Control", "no-store"},
                         {"Vary", "Accept, Accept-Encoding"}}};
  if (form.gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  return response;
}

}  // namespace bpftally
