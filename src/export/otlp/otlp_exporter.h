#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "export/otlp/otlp_encoder.h"
#include "export/otlp/otlp_health_log.h"
#include "export/otlp/otlp_pusher.h"
#include "export/otlp/otlp_retry.h"
#include "export/otlp/otlp_transport.h"

namespace bpftally {

// Returns an endpoint's address for logs and labels: without user, password, query and fragment.
std::string EndpointLabel(const std::string& address);

// Sends batches to one endpoint. One thread exports; any thread may read the statistics.
class OtlpExporter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Parts {
    std::string endpoint;  // for logs and labels
    std::chrono::nanoseconds request_timeout;
    std::shared_ptr<OtlpTransport> transport;
    OtlpEncoder encoder;
    OtlpBackoff::Random random;
  };

  struct Limits {
    TimePoint deadline;                   // end of the whole export
    TimePoint renew;                      // from here on a newer batch is better than a retry
    std::stop_token cancel;               // ends the export at once
    std::function<bool(TimePoint)> wait;  // waits until then; false: do not retry
  };

  // `clock` must outlive it.
  OtlpExporter(Parts parts, const Clock& clock);

  // Sends the batch chunk by chunk, with retries, and drops what does not arrive.
  void Export(std::shared_ptr<const MetricBatch> batch, const Limits& limits);

  // Time before which no export should start, because the receiver failed.
  TimePoint not_before() const { return not_before_; }

  OtlpEndpointStats Stats() const;

 private:
  // Points of one export by their fate.
  struct Tally {
    uint64_t accepted = 0;
    uint64_t rejected = 0;
    uint64_t dropped = 0;
    unsigned lone_refusals = 0;  // single points in a row that were too large
    bool too_large = false;
    bool failed = false;
  };

  // Each returns false to give this batch up.
  bool Send(OtlpChunk chunk, const Limits& limits, Tally& tally);
  bool Accept(const OtlpReply& reply, size_t points, Tally& tally);
  bool Reject(const OtlpReply& reply, size_t points, Tally& tally);
  bool Shrink(const OtlpReply& reply, size_t points, Tally& tally);
  bool Retry(const OtlpReply& reply, const Limits& limits);
  void Record(const Tally& tally, std::chrono::duration<double> duration);

  const std::chrono::nanoseconds request_timeout_;
  const std::shared_ptr<OtlpTransport> transport_;
  OtlpEncoder encoder_;
  OtlpBackoff backoff_;
  const Clock& clock_;
  OtlpHealthLog log_;
  OtlpChunkLimits chunk_limits_;
  TimePoint not_before_;

  mutable std::mutex mutex_;
  OtlpEndpointStats stats_;  // under mutex_
};

}  // namespace bpftally
