#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "export/otlp/otlp_transport.h"

namespace bpftally {

// Parsers of a receiver's bytes, for both transports. None of the bytes are trusted.

// Reads the partial success from `response`, a serialized Export…ServiceResponse to a request that
// was accepted.
OtlpReply ReadAcceptance(std::string_view response);

// The used fields of google.rpc.Status: the body of an HTTP error, and the details of a gRPC error.
struct RpcStatus {
  std::string message;
  std::optional<std::chrono::nanoseconds> retry_delay;  // from its RetryInfo
};

// Reads a serialized google.rpc.Status; the result is empty for other bytes.
RpcStatus ReadRpcStatus(std::string_view status);

// Makes a receiver's text fit for a log: valid UTF-8, one line, limited length.
std::string QuotableText(std::string_view text);

}  // namespace bpftally
