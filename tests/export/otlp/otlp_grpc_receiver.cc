#include <grpcpp/grpcpp.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.grpc.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h>

#include <mutex>
#include <thread>

#include "export/otlp/otlp_receivers.h"

namespace bpftally::testing {

namespace metrics = opentelemetry::proto::collector::metrics::v1;
namespace trace = opentelemetry::proto::collector::trace::v1;

std::string Received::Header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

class GrpcReceiver::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(options_.port), Credentials(), &port_);
    builder.SetMaxReceiveMessageSize(options_.max_message_bytes);
    builder.RegisterService(&metrics_);
    builder.RegisterService(&traces_);
    server_ = builder.BuildAndStart();
  }

  ~Impl() {
    if (server_) server_->Shutdown(std::chrono::system_clock::now());
  }

  int port() const { return port_; }

  std::vector<Received> received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }

 private:
  class Metrics final : public metrics::MetricsService::Service {
   public:
    explicit Metrics(Impl& impl) : impl_(impl) {}
    grpc::Status Export(grpc::ServerContext* context,
                        const metrics::ExportMetricsServiceRequest* request,
                        metrics::ExportMetricsServiceResponse* response) override {
      const Answer answer = impl_.Take(*context, "metrics", request->SerializeAsString());
      if (answer.rejected != 0 || !answer.partial_message.empty()) {
        response->mutable_partial_success()->set_rejected_data_points(answer.rejected);
        response->mutable_partial_success()->set_error_message(answer.partial_message);
      }
      return StatusOf(answer);
    }

   private:
    Impl& impl_;
  };

  class Traces final : public trace::TraceService::Service {
   public:
    explicit Traces(Impl& impl) : impl_(impl) {}
    grpc::Status Export(grpc::ServerContext* context,
                        const trace::ExportTraceServiceRequest* request,
                        trace::ExportTraceServiceResponse* response) override {
      const Answer answer = impl_.Take(*context, "traces", request->SerializeAsString());
      if (answer.rejected != 0)
        response->mutable_partial_success()->set_rejected_spans(answer.rejected);
      return StatusOf(answer);
    }

   private:
    Impl& impl_;
  };

  static grpc::Status StatusOf(const Answer& answer) {
    return answer.code == 0 ? grpc::Status::OK
                            : grpc::Status(static_cast<grpc::StatusCode>(answer.code),
                                           answer.message, answer.details);
  }

  std::shared_ptr<grpc::ServerCredentials> Credentials() const {
    const TlsFiles& tls = options_.tls;
    if (tls.key.empty()) return grpc::InsecureServerCredentials();
    grpc::SslServerCredentialsOptions options(
        tls.client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                              : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = tls.client_ca;
    options.pem_key_cert_pairs = {{tls.key, tls.certificate}};
    return grpc::SslServerCredentials(options);
  }

  Answer Take(grpc::ServerContext& context, const char* service, std::string message) {
    Received received{
        .target = service, .headers = {}, .message = std::move(message), .peer = context.peer()};
    for (const auto& [name, value] : context.client_metadata())
      received.headers.emplace_back(std::string(name.data(), name.size()),
                                    std::string(value.data(), value.size()));
    const Answer answer = options_.script ? options_.script(received) : Answer();
    {
      const std::lock_guard lock(mutex_);
      received_.push_back(std::move(received));
    }
    while (answer.hang && !context.IsCancelled()) std::this_thread::yield();
    return answer;
  }

  const Options options_;
  mutable std::mutex mutex_;
  std::vector<Received> received_;
  Metrics metrics_{*this};
  Traces traces_{*this};
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

GrpcReceiver::GrpcReceiver(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
GrpcReceiver::~GrpcReceiver() = default;

std::string GrpcReceiver::address() const { return "127.0.0.1:" + std::to_string(impl_->port()); }
std::vector<Received> GrpcReceiver::received() const { return impl_->received(); }

}  // namespace bpftally::testing
