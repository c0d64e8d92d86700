#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "export/otlp/otlp_transport.h"

namespace bpftally {

// What both transports make of a receiver's bytes, none of which are trusted.

// Of a request that was accepted: what a partial success in `response`, a serialized
// Export…ServiceResponse, says.
OtlpReply ReadAcceptance(std::string_view response);

// A google.rpc.Status: the body of an HTTP error, and the details of a gRPC one.
struct RpcStatus {
  std::string message;
  std::optional<std::chrono::nanoseconds> retry_delay;  // of its RetryInfo
};

// Empty where the bytes are none.
RpcStatus ReadRpcStatus(std::string_view status);

// Text of a receiver as it may stand in a log: valid UTF-8, one line, not long.
std::string QuotableText(std::string_view text);

}  // namespace bpftally
