#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bpftally::testing {

// A request as the receiver got it.
struct Received {
  std::string target;                                        // HTTP's path, gRPC's method
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string message;                                       // serialized, not compressed
  std::string peer = {};                                     // gRPC: the client's address

  std::string Header(const std::string& name) const;
};

struct TlsFiles {
  std::string key;          // PEM
  std::string certificate;  // PEM
  std::string client_ca;    // PEM; if set, clients must show a certificate signed by it
};

// A real gRPC server, made from the packaged stubs of OTLP's services.
class GrpcReceiver {
 public:
  struct Answer {
    int code = 0;
    std::string message = {};
    std::string details = {};  // grpc-status-details-bin
    int64_t rejected = 0;      // partial success
    std::string partial_message = {};
    bool hang = false;  // until the client is gone
  };
  using Script = std::function<Answer(const Received&)>;

  struct Options {
    Script script = {};  // empty: accepts everything
    TlsFiles tls = {};
    int max_message_bytes = 4 << 20;
    int port = 0;  // 0: any free port
  };

  explicit GrpcReceiver(Options options);
  ~GrpcReceiver();

  std::string address() const;  // 127.0.0.1:port
  std::vector<Received> received() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// An HTTP server on plain sockets that answers whatever bytes a test wants.
class HttpReceiver {
 public:
  using Script = std::function<std::string(const Received&)>;  // empty result: never answers

  explicit HttpReceiver(Script script);
  ~HttpReceiver();

  std::string url() const;  // http://127.0.0.1:port/v1/metrics
  std::vector<Received> received() const;
  int connections() const;  // so far

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Formats "HTTP/1.1 STATUS …" with a Content-Length.
std::string HttpAnswerText(const std::string& status, const std::string& headers = "",
                           const std::string& body = "");

}  // namespace bpftally::testing
