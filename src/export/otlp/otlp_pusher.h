#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "export/otlp/otlp_options.h"
#include "export/otlp/otlp_transport.h"
#include "model/metric_batch.h"
#include "model/span_record.h"

namespace bpftally {

// Statistics of the exports to one endpoint.
struct OtlpEndpointStats {
  std::string endpoint;  // without anything that may be secret
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  uint64_t points_accepted = 0;
  uint64_t points_rejected = 0;  // by the receiver
  uint64_t points_dropped =
      0;  // given up: failed exports, and points that are too large even alone
  uint64_t spans_accepted = 0;
  uint64_t spans_rejected = 0;
  uint64_t spans_dropped = 0;  // given up: too large even alone, or too many waiting
  // Result of the latest export; empty before the first.
  std::optional<bool> up = std::nullopt;
  std::optional<double> duration_seconds = std::nullopt;
  std::optional<double> last_success_seconds = std::nullopt;  // seconds since the epoch
};

// Pushes the newest batch to each endpoint at each interval, and spans within about a second. Each
// endpoint has its own thread. The implementation is in a module (otlp_module.h): include this
// header, link nothing.
class OtlpPusher {
 public:
  // Returns the newest batch available by the deadline. Called on the pusher's threads.
  using BatchSource = std::function<std::shared_ptr<const MetricBatch>(
      std::chrono::steady_clock::time_point deadline)>;

  // Takes at most `most` of the oldest waiting spans. Called by one of the pusher's threads at a
  // time; each span goes to each endpoint.
  using SpanSource = std::function<std::vector<SpanRecord>(size_t most)>;

  virtual ~OtlpPusher() = default;

  // Starts the threads. An empty `spans` means that there are never any.
  virtual void Start(BatchSource source, SpanSource spans) = 0;

  // Exports once more to each endpoint, by the deadline, and ends all threads.
  virtual void Stop(std::chrono::steady_clock::time_point deadline) = 0;

  virtual std::vector<OtlpEndpointStats> Stats() const = 0;  // for any thread
};

// Makes a pusher for options.endpoints, keeping their order. `clock` must outlive it.
std::unique_ptr<OtlpPusher> MakeOtlpPusher(const OtlpOptions& options,
                                           std::vector<std::unique_ptr<OtlpTransport>> transports,
                                           const Clock& clock);

}  // namespace bpftally
