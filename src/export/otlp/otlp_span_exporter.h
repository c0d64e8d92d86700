#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "export/otlp/otlp_encoder.h"
#include "export/otlp/otlp_health_log.h"
#include "export/otlp/otlp_pusher.h"
#include "export/otlp/otlp_retry.h"
#include "export/otlp/otlp_span_feed.h"
#include "export/otlp/otlp_transport.h"

namespace bpftally {

// Sends the spans of a feed to one endpoint. One thread exports; any thread may read the
// statistics.
class OtlpSpanExporter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Parts {
    std::string endpoint;  // for logs
    std::chrono::nanoseconds request_timeout;
    std::chrono::nanoseconds timeout;  // how long a span is retried
    std::shared_ptr<OtlpTransport> transport;
    OtlpAttributes resource;
    std::string scope_version;
    OtlpBackoff::Random random;
  };

  // `feed` and `clock` must outlive it.
  OtlpSpanExporter(Parts parts, OtlpSpanFeed& feed, size_t reader, const Clock& clock);

  // Sends the waiting spans of the feed. Spans that the receiver cannot take now stay there until
  // they are dropped.
  void Export(TimePoint deadline, const std::stop_token& cancel);

  // Time before which no export should start, because the receiver failed.
  TimePoint not_before() const { return not_before_; }

  void AddTo(OtlpEndpointStats& stats) const;

 private:
  // Each returns whether sending goes on at this call.
  bool Send(const OtlpSpanFeed::Spans& spans, TimePoint deadline, const std::stop_token& cancel);
  bool Accept(const OtlpReply& reply, size_t spans);
  bool Reject(const OtlpReply& reply, size_t spans);
  bool Shrink(const OtlpReply& reply, size_t spans);
  bool Retry(const OtlpReply& reply, size_t spans);

  void Pop(size_t spans);

  const Parts parts_;
  OtlpSpanFeed& feed_;
  const size_t reader_;
  const Clock& clock_;
  OtlpBackoff backoff_;
  OtlpHealthLog log_;
  OtlpChunkLimits limits_;
  TimePoint not_before_;
  std::optional<TimePoint> give_up_;  // when the first spans, which failed before, are dropped

  std::atomic<uint64_t> accepted_ = 0;
  std::atomic<uint64_t> rejected_ = 0;
  std::atomic<uint64_t> dropped_ = 0;
};

}  // namespace bpftally
