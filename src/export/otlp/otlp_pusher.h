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

// How the exports to one endpoint fare.
struct OtlpEndpointStats {
  std::string endpoint;  // without what may be a secret
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  uint64_t points_accepted = 0;
  uint64_t points_rejected = 0;  // by the receiver
  uint64_t points_dropped = 0;   // given up: of failed exports, and what is too large even alone
  uint64_t spans_accepted = 0;
  uint64_t spans_rejected = 0;
  uint64_t spans_dropped = 0;  // given up, too large even alone, or too many waited
  // Of the latest export; empty before the first.
  std::optional<bool> up = std::nullopt;
  std::optional<double> duration_seconds = std::nullopt;
  std::optional<double> last_success_seconds = std::nullopt;  // since the epoch
};

// Pushes the newest batch to each endpoint at each interval, and spans within a second or so, on a
// thread of its own for each. What it needs comes with a module (otlp_module.h): include this, link
// nothing.
class OtlpPusher {
 public:
  // The newest batch there is, or can be by the deadline. Called on the pusher's threads.
  using BatchSource = std::function<std::shared_ptr<const MetricBatch>(
      std::chrono::steady_clock::time_point deadline)>;

  // The oldest spans that nobody took yet, at most so many. Called on one of these threads at a
  // time; each span goes to each endpoint.
  using SpanSource = std::function<std::vector<SpanRecord>(size_t most)>;

  virtual ~OtlpPusher() = default;

  // `spans` may be empty: there never are any.
  virtual void Start(BatchSource source, SpanSource spans) = 0;

  // One last export to each endpoint, by the deadline; then no thread runs any more.
  virtual void Stop(std::chrono::steady_clock::time_point deadline) = 0;

  virtual std::vector<OtlpEndpointStats> Stats() const = 0;  // any thread
};

// A transport for each of options.endpoints, in their order. `clock` must outlive the pusher.
std::unique_ptr<OtlpPusher> MakeOtlpPusher(const OtlpOptions& options,
                                           std::vector<std::unique_ptr<OtlpTransport>> transports,
                                           const Clock& clock);

}  // namespace bpftally
