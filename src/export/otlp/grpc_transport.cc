#include <fmt/format.h>
#include <grpc/grpc.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/version_info.h>
#include <spdlog/spdlog.h>

#include <array>
#include <functional>
#include <memory>
#include <utility>

#include "export/otlp/otlp_reply.h"
#include "export/otlp/otlp_transport.h"
#include "export/otlp/pem_file.h"

// Newer versions log through Abseil, which is quiet below its own threshold.
#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65
#include <grpc/support/log.h>
#define BPFTALLY_GRPC_LOGS_BY_GPR
#endif

namespace bpftally {
namespace {

using Outcome = OtlpReply::Outcome;

constexpr int kMostReplyBytes = 64 << 10;
// Longest delay before reconnecting to a receiver that was away; gRPC's own default is two minutes.
constexpr int kReconnectMilliseconds = 500;
constexpr int kLongestReconnectMilliseconds = 5000;

const char* MethodOf(OtlpSignal signal) {
  return signal == OtlpSignal::kTraces
             ? "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
             : "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
}

std::string_view CodeName(grpc::StatusCode code) {
  constexpr std::array<std::string_view, 17> kNames = {
      "OK",
      "CANCELLED",
      "UNKNOWN",
      "INVALID_ARGUMENT",
      "DEADLINE_EXCEEDED",
      "NOT_FOUND",
      "ALREADY_EXISTS",
      "PERMISSION_DENIED",
      "RESOURCE_EXHAUSTED",
      "FAILED_PRECONDITION",
      "ABORTED",
      "OUT_OF_RANGE",
      "UNIMPLEMENTED",
      "INTERNAL",
      "UNAVAILABLE",
      "DATA_LOSS",
      "UNAUTHENTICATED",
  };
  const auto index = static_cast<size_t>(code);
  return index < kNames.size() ? kNames[index] : "a code unknown to gRPC";
}

std::string_view AdviceFor(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNIMPLEMENTED:
      return " (does it take these over OTLP/gRPC at this port?)";
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return " (see OTEL_EXPORTER_OTLP_HEADERS)";
    default:
      return "";
  }
}

// Follows the specification's table of retryable codes.
Outcome OutcomeOf(grpc::StatusCode code, bool has_retry_delay) {
  switch (code) {
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::OUT_OF_RANGE:
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DATA_LOSS:
      return Outcome::kRetry;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return has_retry_delay ? Outcome::kRetry : Outcome::kTooLarge;
    default:
      return Outcome::kRejected;
  }
}

OtlpReply ReplyOf(const grpc::Status& status) {
  const RpcStatus details = ReadRpcStatus(status.error_details());
  return {
      .outcome = OutcomeOf(status.error_code(), details.retry_delay.has_value()),
      .retry_after = details.retry_delay,
      .message = fmt::format("gRPC {}: {}{}", CodeName(status.error_code()),
                             QuotableText(status.error_message()), AdviceFor(status.error_code()))};
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.DumpToSingleSlice(&slice).ok()) return {};
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

// Makes a slice that owns the string: the message is not copied.
grpc::ByteBuffer BufferOf(std::string text) {
  auto* owned = new std::string(std::move(text));
  const grpc::Slice slice(
      owned->data(), owned->size(), [](void* string) { delete static_cast<std::string*>(string); },
      owned);
  return {&slice, 1};
}

using Connect = std::function<std::shared_ptr<grpc::Channel>()>;

class GrpcTransport final : public OtlpTransport {
 public:
  GrpcTransport(Connect connect, OtlpAttributes metadata, bool gzip)
      : connect_(std::move(connect)), metadata_(std::move(metadata)), gzip_(gzip) {}

  OtlpReply Send(OtlpSignal signal, std::string request,
                 std::chrono::steady_clock::time_point deadline, std::stop_token cancel) override {
    grpc::ClientContext context;
    Prepare(context, deadline);
    grpc::ByteBuffer response;
    const grpc::Status status =
        Call(context, MethodOf(signal), BufferOf(std::move(request)), response, std::move(cancel));
    // Reconnects, since gRPC notices a connection that died silently only after a quarter of an
    // hour, or never.
    if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED)
      stub_ = std::make_unique<grpc::GenericStub>(connect_());
    return status.ok() ? ReadAcceptance(BytesOf(response)) : ReplyOf(status);
  }

 private:
  void Prepare(grpc::ClientContext& context, std::chrono::steady_clock::time_point deadline) const {
    // Converts the deadline, since gRPC does not know the steady clock.
    const auto left = deadline - std::chrono::steady_clock::now();
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::duration_cast<std::chrono::system_clock::duration>(left));
    if (gzip_) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    for (const auto& [key, value] : metadata_) context.AddMetadata(key, value);
  }

  grpc::Status Call(grpc::ClientContext& context, const char* method,
                    const grpc::ByteBuffer& request, grpc::ByteBuffer& response,
                    std::stop_token cancel) {
    grpc::CompletionQueue done;
    const auto call = stub_->PrepareUnaryCall(&context, method, request, &done);
    call->StartCall();
    grpc::Status status;
    call->Finish(&response, &status, nullptr);
    const std::stop_callback on_cancel(std::move(cancel), [&] { context.TryCancel(); });
    void* tag = nullptr;
    bool ok = false;
    done.Next(&tag, &ok);  // returns by the context's deadline
    return status;
  }

  const Connect connect_;
  std::unique_ptr<grpc::GenericStub> stub_ = std::make_unique<grpc::GenericStub>(connect_());
  const OtlpAttributes metadata_;
  const bool gzip_;
};

std::unexpected<Error> Invalid(std::string message) {
  return std::unexpected(Error{ErrorKind::kInvalid, 0, std::move(message)});
}

// Checks headers first: gRPC would abort the process for an invalid one. The value may be a secret.
Result<OtlpAttributes> MetadataOf(const OtlpAttributes& headers) {
  OtlpAttributes metadata;
  for (const auto& [name, value] : headers) {
    std::string key = name;
    for (char& c : key) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (!grpc_header_key_is_legal(grpc::SliceReferencingString(key)) || key.starts_with("grpc-") ||
        (!key.ends_with("-bin") &&
         !grpc_header_nonbin_value_is_legal(grpc::SliceReferencingString(value))))
      return Invalid(fmt::format("the header \"{}\" cannot be sent over gRPC", QuotableText(name)));
    metadata.emplace_back(std::move(key), value);
  }
  return metadata;
}

Result<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(const OtlpEndpoint& endpoint) {
  if (!endpoint.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  for (const auto& [path, text] :
       {std::pair(&endpoint.ca_file, &options.pem_root_certs),
        std::pair(&endpoint.client_key_file, &options.pem_private_key),
        std::pair(&endpoint.client_certificate_file, &options.pem_cert_chain)}) {
    auto pem = ReadPemFile(*path);
    if (!pem) return std::unexpected(std::move(pem.error()));
    *text = std::move(*pem);
  }
  return grpc::SslCredentials(options);
}

grpc::ChannelArguments ChannelArgumentsOf() {
  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix(BPFTALLY_USER_AGENT);
  arguments.SetMaxReceiveMessageSize(kMostReplyBytes);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMilliseconds);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestReconnectMilliseconds);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a new channel is a new connection
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // the pusher retries itself and reads Retry-After
  return arguments;
}

// Sends gRPC's own messages to our log, else they would appear on stderr in another format.
void TakeOverLog() {
#ifdef BPFTALLY_GRPC_LOGS_BY_GPR
  gpr_set_log_function(
      [](gpr_log_func_args* record) { spdlog::debug("gRPC: {}", record->message); });
#endif
}

}  // namespace

Result<std::unique_ptr<OtlpTransport>> MakeGrpcTransport(const OtlpEndpoint& endpoint) {
  TakeOverLog();
  auto metadata = MetadataOf(endpoint.headers);
  if (!metadata) return std::unexpected(std::move(metadata.error()));
  const auto credentials = CredentialsOf(endpoint);
  if (!credentials) return std::unexpected(credentials.error());
  auto connect = [address = endpoint.address, credentials = *credentials] {
    return grpc::CreateCustomChannel(address, credentials, ChannelArgumentsOf());
  };
  return std::make_unique<GrpcTransport>(std::move(connect), std::move(*metadata), endpoint.gzip);
}

}  // namespace bpftally
