#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace bpftally {

enum class OtlpProtocol { kGrpc, kHttpProtobuf };

// Of counters and histograms. Gauges have none.
enum class OtlpTemporality { kCumulative, kDelta };

using OtlpAttributes = std::vector<std::pair<std::string, std::string>>;

// One receiver. Plain data: what flags and OTEL_* variables said, checked.
struct OtlpEndpoint {
  OtlpProtocol protocol = OtlpProtocol::kGrpc;
  std::string address;              // gRPC: host:port; HTTP: the whole URL, with its path
  std::string traces_address = {};  // HTTP: the URL that takes spans; empty: none is known
  bool tls = false;
  std::string ca_file;                  // PEM; empty: the system's
  std::string client_key_file;          // PEM; both or none of these two
  std::string client_certificate_file;  // PEM
  OtlpAttributes headers;               // sent with each request; gRPC: as metadata
  bool gzip = true;
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);  // of one request
};

struct OtlpOptions {
  std::vector<OtlpEndpoint> endpoints;                           // empty: no push
  std::chrono::nanoseconds interval = std::chrono::seconds(60);  // from one export to the next
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);   // of a whole export, retries too
  OtlpTemporality temporality = OtlpTemporality::kCumulative;
  OtlpAttributes resource;  // service.name, host.name, …
};

}  // namespace bpftally
