#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace bpftally {

enum class OtlpProtocol { kGrpc, kHttpProtobuf };

// Temporality of counters and histograms; gauges have none.
enum class OtlpTemporality { kCumulative, kDelta };

using OtlpAttributes = std::vector<std::pair<std::string, std::string>>;

// One receiver, from validated flags and OTEL_* variables. Plain data.
struct OtlpEndpoint {
  OtlpProtocol protocol = OtlpProtocol::kGrpc;
  std::string address;              // gRPC: host:port; HTTP: the whole URL, with its path
  std::string traces_address = {};  // HTTP: the URL for spans; empty: unknown
  bool tls = false;
  std::string ca_file;                  // PEM; empty: the system's authorities
  std::string client_key_file;          // PEM; set both of these two, or neither
  std::string client_certificate_file;  // PEM
  OtlpAttributes headers;               // sent with each request; for gRPC as metadata
  bool gzip = true;
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);  // limit for one request
};

struct OtlpOptions {
  std::vector<OtlpEndpoint> endpoints;                           // empty: no push
  std::chrono::nanoseconds interval = std::chrono::seconds(60);  // time between exports
  std::chrono::nanoseconds timeout =
      std::chrono::seconds(30);  // limit for a whole export with its retries
  OtlpTemporality temporality = OtlpTemporality::kCumulative;
  OtlpAttributes resource;  // service.name, host.name, …
};

}  // namespace bpftally
