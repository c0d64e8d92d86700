#include "export/otlp/otlp_pusher.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "export/otlp/otlp_exporter.h"
#include "export/otlp/otlp_span_exporter.h"
#include "export/otlp/otlp_span_feed.h"

namespace bpftally {
namespace {

using TimePoint = std::chrono::steady_clock::time_point;

OtlpBackoff::Random SeededRandom() {
  return [engine = std::minstd_rand(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

OtlpExporter::Parts PartsOf(const OtlpOptions& options, size_t endpoint,
                            std::shared_ptr<OtlpTransport> transport, const Clock& clock) {
  const OtlpEndpoint& to = options.endpoints.at(endpoint);
  return {.endpoint = EndpointLabel(to.address),
          .request_timeout = to.timeout,
          .transport = std::move(transport),
          .encoder = OtlpEncoder(options.resource, options.temporality, BPFTALLY_VERSION,
                                 clock.WallNanoseconds()),
          .random = SeededRandom()};
}

OtlpSpanExporter::Parts SpanPartsOf(const OtlpOptions& options, size_t endpoint,
                                    std::shared_ptr<OtlpTransport> transport) {
  const OtlpEndpoint& to = options.endpoints.at(endpoint);
  return {.endpoint = EndpointLabel(to.address),
          .request_timeout = to.timeout,
          .timeout = options.timeout,
          .transport = std::move(transport),
          .resource = options.resource,
          .scope_version = BPFTALLY_VERSION,
          .random = SeededRandom()};
}

// Time between two polls for spans, while the thread is otherwise idle.
constexpr std::chrono::seconds kSpanInterval{1};

// Thread of one endpoint. Exports metrics at once, then at each interval and once more at the end;
// sends spans in between too.
class EndpointPusher {
 public:
  EndpointPusher(const OtlpOptions& options, size_t endpoint,
                 std::shared_ptr<OtlpTransport> transport, OtlpSpanFeed& feed, const Clock& clock)
      : exporter_(PartsOf(options, endpoint, transport, clock), clock),
        span_exporter_(SpanPartsOf(options, endpoint, std::move(transport)), feed, endpoint, clock),
        interval_(options.interval),
        timeout_(options.timeout),
        clock_(clock) {}

  EndpointPusher(const EndpointPusher&) = delete;
  EndpointPusher& operator=(const EndpointPusher&) = delete;
  ~EndpointPusher() {
    BeginEnd(clock_.Now());
    CancelAt(clock_.Now());
  }

  OtlpEndpointStats Stats() const {
    OtlpEndpointStats stats = exporter_.Stats();
    span_exporter_.AddTo(stats);
    return stats;
  }

  void Start(OtlpPusher::BatchSource source, bool spans) {
    source_ = std::move(source);
    spans_ = spans;
    thread_ = std::jthread([this](const std::stop_token& cancel) { Run(cancel); });
  }

  void BeginEnd(TimePoint deadline) {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    last_deadline_ = deadline;
    changed_.notify_all();
  }

  // Gives an export that is under way until `time` to finish.
  void CancelAt(TimePoint time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time - clock_.Now(), [this] { return !exporting_; });
    thread_.request_stop();
  }

  void Join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run(const std::stop_token& cancel) {
    due_ = clock_.Now();
    while (WaitUntil(std::min(MetricsTime(), SpansTime()))) {
      if (const TimePoint now = clock_.Now(); now >= MetricsTime()) {
        due_ = std::max(due_ + interval_, now);  // does not make up for missed exports
        const TimePoint deadline = now + timeout_;
        Export({.deadline = deadline, .renew = due_, .cancel = cancel, .wait = [&](TimePoint time) {
                  return WaitSendingSpans(time, deadline, cancel);
                }});
      }
      ExportSpans(clock_.Now() + timeout_, cancel);
      EndExport();
    }
    ExportLast();
  }

  TimePoint MetricsTime() const { return std::max(due_, exporter_.not_before()); }

  TimePoint SpansTime() const {
    if (!spans_) return TimePoint::max();
    return std::max(clock_.Now() + kSpanInterval, span_exporter_.not_before());
  }

  // Waits, and sends spans meanwhile: a receiver may refuse metrics and still take spans. False at
  // the end.
  bool WaitSendingSpans(TimePoint time, TimePoint deadline, const std::stop_token& cancel) {
    while (WaitUntil(std::min(time, SpansTime()))) {
      if (clock_.Now() >= time) return true;
      ExportSpans(deadline, cancel);
    }
    return false;
  }

  void ExportSpans(TimePoint deadline, const std::stop_token& cancel) {
    if (spans_ && clock_.Now() >= span_exporter_.not_before())
      span_exporter_.Export(deadline, cancel);
  }

  void ExportLast() {
    std::unique_lock lock(mutex_);
    const TimePoint deadline = last_deadline_;
    lock.unlock();
    if (deadline <= clock_.Now()) return;
    Export({.deadline = deadline, .renew = deadline, .cancel = {}, .wait = [](TimePoint) {
              return false;
            }});
    if (spans_) span_exporter_.Export(deadline, {});
  }

  void Export(const OtlpExporter::Limits& limits) {
    const TimePoint now = clock_.Now();
    if (auto batch = source_(now + (limits.deadline - now) / 2))
      exporter_.Export(std::move(batch), limits);
  }

  // Waits; returns false at once when the pusher stops.
  bool WaitUntil(TimePoint time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time - clock_.Now(), [this] { return stopping_; });
    exporting_ = !stopping_;
    return !stopping_;
  }

  void EndExport() {
    const std::lock_guard lock(mutex_);
    exporting_ = false;
    changed_.notify_all();
  }

  OtlpExporter exporter_;
  OtlpSpanExporter span_exporter_;
  const std::chrono::nanoseconds interval_;
  const std::chrono::nanoseconds timeout_;
  const Clock& clock_;
  OtlpPusher::BatchSource source_;
  bool spans_ = false;
  TimePoint due_;  // when the next metrics export is due

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool exporting_ = false;
  TimePoint last_deadline_;

  std::jthread thread_;  // last: it uses all members above
};

class ThreadedPusher final : public OtlpPusher {
 public:
  ThreadedPusher(const OtlpOptions& options, std::vector<std::unique_ptr<OtlpTransport>> transports,
                 const Clock& clock)
      : feed_(transports.size()), clock_(clock) {
    for (size_t i = 0; i < transports.size(); ++i) {
      endpoints_.push_back(
          std::make_unique<EndpointPusher>(options, i, std::move(transports[i]), feed_, clock));
    }
  }

  void Start(BatchSource source, SpanSource spans) override {
    const bool has_spans = static_cast<bool>(spans);
    feed_.SetSource(std::move(spans));
    for (const auto& endpoint : endpoints_) endpoint->Start(source, has_spans);
  }

  void Stop(TimePoint deadline) override {
    const TimePoint now = clock_.Now();
    for (const auto& endpoint : endpoints_) endpoint->BeginEnd(deadline);
    for (const auto& endpoint : endpoints_) endpoint->CancelAt(now + (deadline - now) / 2);
    for (const auto& endpoint : endpoints_) endpoint->Join();
  }

  std::vector<OtlpEndpointStats> Stats() const override {
    std::vector<OtlpEndpointStats> stats;
    stats.reserve(endpoints_.size());
    for (const auto& endpoint : endpoints_) stats.push_back(endpoint->Stats());
    return stats;
  }

 private:
  OtlpSpanFeed feed_;
  const Clock& clock_;
  std::vector<std::unique_ptr<EndpointPusher>> endpoints_;  // last: their threads use the feed
};

}  // namespace

std::unique_ptr<OtlpPusher> MakeOtlpPusher(const OtlpOptions& options,
                                           std::vector<std::unique_ptr<OtlpTransport>> transports,
                                           const Clock& clock) {
  return std::make_unique<ThreadedPusher>(options, std::move(transports), clock);
}

}  // namespace bpftally
