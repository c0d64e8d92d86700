#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "export/otlp/otlp_options.h"

namespace bpftally {

enum class OtlpSignal { kMetrics, kTraces };

// A receiver's answer to one request.
struct OtlpReply {
  enum class Outcome {
    kAccepted,  // perhaps only in part: see `rejected`
    kRetry,     // the specification's retryable codes, and broken connections
    kTooLarge,  // gRPC RESOURCE_EXHAUSTED, HTTP 413: smaller requests may pass
    kRejected,  // never in this form
  };
  Outcome outcome = Outcome::kRejected;
  uint64_t rejected = 0;  // points that a partial success refused
  std::optional<std::chrono::nanoseconds> retry_after =
      std::nullopt;          // delay that the receiver asks for
  std::string message = {};  // for the log: what failed, why, what to do
};

// Sends serialized Export…ServiceRequest messages to one endpoint. For one thread at a time.
class OtlpTransport {
 public:
  virtual ~OtlpTransport() = default;
  // Returns by `deadline`, and at once when `cancel` is requested.
  virtual OtlpReply Send(OtlpSignal signal, std::string request,
                         std::chrono::steady_clock::time_point deadline,
                         std::stop_token cancel) = 0;
};

// Makes transports that connect with their first request. Fail with kInvalid for unreadable files.
Result<std::unique_ptr<OtlpTransport>> MakeGrpcTransport(const OtlpEndpoint& endpoint);
Result<std::unique_ptr<OtlpTransport>> MakeHttpTransport(const OtlpEndpoint& endpoint);

}  // namespace bpftally
