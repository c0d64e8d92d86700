#include <gmock/gmock.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/empty.pb.h>
#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>

#include <thread>

#include "export/otlp/otlp_certificates.h"
#include "export/otlp/otlp_receivers.h"
#include "export/otlp/otlp_reply.h"
#include "export/otlp/otlp_transport.h"

namespace bpftally {
namespace {

using Outcome = OtlpReply::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Certificates;
using testing::GrpcReceiver;
using ::testing::HasSubstr;
using testing::Received;
using testing::TlsFiles;

constexpr seconds kPatience{20};

std::chrono::steady_clock::time_point In(std::chrono::nanoseconds time) {
  return std::chrono::steady_clock::now() + time;
}

std::string Request(size_t bytes = 10) {
  opentelemetry::proto::collector::metrics::v1::ExportMetricsServiceRequest request;
  request.add_resource_metrics()->set_schema_url(std::string(bytes, 'x'));
  return request.SerializeAsString();
}

// Makes a google.rpc.Status with a RetryInfo, field by field.
std::string RetryInfo(int64_t whole_seconds, int32_t nanos) {
  google::protobuf::Duration delay;
  delay.set_seconds(whole_seconds);
  delay.set_nanos(nanos);
  google::protobuf::Empty info;
  info.GetReflection()->MutableUnknownFields(&info)->AddLengthDelimited(1,
                                                                        delay.SerializeAsString());
  google::protobuf::Any any;
  any.set_type_url("type.googleapis.com/google.rpc.RetryInfo");
  any.set_value(info.SerializeAsString());
  google::protobuf::Empty status;
  auto* fields = status.GetReflection()->MutableUnknownFields(&status);
  fields->AddVarint(1, 8);
  fields->AddLengthDelimited(2, "slow down");
  fields->AddLengthDelimited(3, any.SerializeAsString());
  return status.SerializeAsString();
}

std::unique_ptr<OtlpTransport> Transport(const OtlpEndpoint& endpoint) {
  auto transport = MakeGrpcTransport(endpoint);
  EXPECT_TRUE(transport) << transport.error().message;
  return std::move(*transport);
}

OtlpReply SendTo(const GrpcReceiver& receiver, OtlpEndpoint endpoint = {},
                 std::string request = Request()) {
  endpoint.address = receiver.address();
  return Transport(endpoint)->Send(OtlpSignal::kMetrics, std::move(request), In(kPatience), {});
}

OtlpReply ReplyTo(const GrpcReceiver::Answer& answer) {
  return SendTo(GrpcReceiver({.script = [=](const Received&) { return answer; }}));
}

TEST(GrpcTransport, SendsTheRequestAndItsHeaders) {
  for (const bool gzip : {true, false}) {
    const GrpcReceiver receiver({});
    const OtlpReply reply = SendTo(
        receiver, {.headers = {{"X-Tenant", "blue"}, {"key-bin", "\x01\x02"}}, .gzip = gzip});
    EXPECT_EQ(reply.outcome, Outcome::kAccepted) << reply.message;
    ASSERT_EQ(receiver.received().size(), 1U);
    const Received received = receiver.received().front();
    EXPECT_EQ(received.target, "metrics");
    EXPECT_EQ(received.message, Request());
    EXPECT_EQ(received.Header("x-tenant"), "blue");
    EXPECT_EQ(received.Header("key-bin"), "\x01\x02");
    EXPECT_THAT(received.Header("user-agent"), ::testing::StartsWith("bpftally/"));
  }
}

TEST(GrpcTransport, CompressesOnRequest) {
  // The message is well below the receiver's limit when compressed, and above it otherwise.
  const GrpcReceiver receiver({.max_message_bytes = 200'000});
  const std::string large = Request(150'000);
  EXPECT_EQ(SendTo(receiver, {.gzip = true}, large).outcome, Outcome::kAccepted);
  EXPECT_EQ(receiver.received().front().message, large);
}

TEST(GrpcTransport, SendsTracesToTheirOwnService) {
  const GrpcReceiver receiver(
      {.script = [](const Received&) { return GrpcReceiver::Answer{.rejected = 2}; }});
  const OtlpReply reply =
      Transport({.address = receiver.address()})->Send(OtlpSignal::kTraces, "", In(kPatience), {});
  EXPECT_EQ(reply.outcome, Outcome::kAccepted) << reply.message;
  EXPECT_EQ(reply.rejected, 2U);
  EXPECT_EQ(receiver.received().front().target, "traces");
}

TEST(GrpcTransport, Fault21TellsApartWhatMayBeTriedAgain) {
  // The specification's table of retryable codes, in the order of the codes.
  constexpr auto kNo = Outcome::kRejected;
  constexpr auto kYes = Outcome::kRetry;
  const std::vector<Outcome> expected = {
      kNo, kYes, kNo,  kNo, kYes, kNo,  kNo,  kNo, Outcome::kTooLarge,
      kNo, kYes, kYes, kNo, kNo,  kYes, kYes, kNo};
  for (int code = 1; code < static_cast<int>(expected.size()); ++code) {
    const OtlpReply reply = ReplyTo({.code = code, .message = "no\nmore"});
    EXPECT_EQ(reply.outcome, expected[static_cast<size_t>(code)]) << reply.message;
    EXPECT_THAT(reply.message, HasSubstr(": no more"));
    EXPECT_EQ(reply.retry_after, std::nullopt);
  }
}

TEST(GrpcTransport, HeedsRetryInfo) {
  const OtlpReply exhausted = ReplyTo({.code = 8, .details = RetryInfo(3, 500'000'000)});
  EXPECT_EQ(exhausted.outcome, Outcome::kRetry);
  EXPECT_EQ(exhausted.retry_after, milliseconds(3500));
  EXPECT_EQ(ReplyTo({.code = 14, .details = RetryInfo(7, 0)}).retry_after, seconds(7));
  EXPECT_EQ(ReplyTo({.code = 8, .details = "\xff\xff nonsense"}).outcome, Outcome::kTooLarge);
}

TEST(GrpcTransport, ReadsAPartialSuccess) {
  const OtlpReply reply = ReplyTo({.rejected = 3, .partial_message = "too\x01 old"});
  EXPECT_EQ(reply.outcome, Outcome::kAccepted);
  EXPECT_EQ(reply.rejected, 3U);
  EXPECT_EQ(reply.message, "too  old");
  EXPECT_EQ(ReplyTo({.rejected = -3}).rejected, 0U);
}

TEST(GrpcTransport, Fault22TellsOfARequestThatIsTooLarge) {
  const GrpcReceiver receiver({.max_message_bytes = 1000});
  EXPECT_EQ(SendTo(receiver, {}, Request(2000)).outcome, Outcome::kTooLarge);
  EXPECT_EQ(SendTo(receiver, {}, Request(500)).outcome, Outcome::kAccepted);
}

TEST(GrpcTransport, ReturnsByTheDeadline) {
  const GrpcReceiver receiver(
      {.script = [](const Received&) { return GrpcReceiver::Answer{.hang = true}; }});
  const auto transport = Transport({.address = receiver.address()});
  const auto began = std::chrono::steady_clock::now();
  const OtlpReply reply =
      transport->Send(OtlpSignal::kMetrics, Request(), In(milliseconds(300)), {});
  EXPECT_EQ(reply.outcome, Outcome::kRetry);
  EXPECT_THAT(reply.message, HasSubstr("DEADLINE_EXCEEDED"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, kPatience);
}

TEST(GrpcTransport, ReusesItsConnection) {
  const GrpcReceiver receiver({});
  const auto transport = Transport({.address = receiver.address()});
  for (int i = 0; i < 2; ++i) transport->Send(OtlpSignal::kMetrics, Request(), In(kPatience), {});
  ASSERT_EQ(receiver.received().size(), 2U);
  EXPECT_EQ(receiver.received()[0].peer, receiver.received()[1].peer);
}

// A connection may be dead without notice: a firewall forgot it, or its machine is gone.
TEST(GrpcTransport, Fault21LeavesAConnectionThatDoesNotAnswer) {
  const GrpcReceiver receiver({.script = [first = true](const Received&) mutable {
    return GrpcReceiver::Answer{.hang = std::exchange(first, false)};
  }});
  const auto transport = Transport({.address = receiver.address()});
  transport->Send(OtlpSignal::kMetrics, Request(), In(seconds(2)), {});
  ASSERT_EQ(receiver.received().size(), 1U);
  EXPECT_EQ(transport->Send(OtlpSignal::kMetrics, Request(), In(kPatience), {}).outcome,
            Outcome::kAccepted);
  EXPECT_NE(receiver.received()[0].peer, receiver.received()[1].peer);
}

TEST(GrpcTransport, ReturnsWhenCancelled) {
  const GrpcReceiver receiver(
      {.script = [](const Received&) { return GrpcReceiver::Answer{.hang = true}; }});
  const auto transport = Transport({.address = receiver.address()});
  std::stop_source cancel;
  const std::jthread canceller([&] {
    EXPECT_TRUE(Eventually([&] { return !receiver.received().empty(); }));
    cancel.request_stop();
  });
  const auto began = std::chrono::steady_clock::now();
  const OtlpReply reply =
      transport->Send(OtlpSignal::kMetrics, Request(), In(seconds(60)), cancel.get_token());
  EXPECT_EQ(reply.outcome, Outcome::kRetry);
  EXPECT_LT(std::chrono::steady_clock::now() - began, kPatience);
}

TEST(GrpcTransport, WorksAgainWhenTheReceiverComesBack) {
  const int port = [] {
    const GrpcReceiver receiver({});
    return std::stoi(receiver.address().substr(receiver.address().find(':') + 1));
  }();
  const auto transport = Transport({.address = "127.0.0.1:" + std::to_string(port)});
  const auto send = [&] {
    return transport->Send(OtlpSignal::kMetrics, Request(), In(kPatience), {});
  };
  const OtlpReply reply = send();
  EXPECT_EQ(reply.outcome, Outcome::kRetry);
  EXPECT_THAT(reply.message, HasSubstr("Connection refused"));
  const GrpcReceiver receiver({.port = port});
  EXPECT_TRUE(Eventually([&] { return send().outcome == Outcome::kAccepted; }));
}

class GrpcTls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (Certificates::Lacking().empty()) certificates_ = std::make_unique<Certificates>();
  }
  static void TearDownTestSuite() { certificates_.reset(); }
  void SetUp() override {
    if (!certificates_) GTEST_SKIP() << Certificates::Lacking();
  }

  static TlsFiles Server(const std::string& name) {
    return {.key = ReadFile(certificates_->Key(name)),
            .certificate = ReadFile(certificates_->Pem(name))};
  }

  static OtlpReply SendTls(const TlsFiles& server, OtlpEndpoint endpoint) {
    endpoint.tls = true;
    return SendTo(GrpcReceiver({.tls = server}), endpoint);
  }

  static inline std::unique_ptr<Certificates> certificates_;
};

TEST_F(GrpcTls, TrustsTheAuthorityItIsGiven) {
  const OtlpReply reply = SendTls(Server("server"), {.ca_file = certificates_->Pem("ca")});
  EXPECT_EQ(reply.outcome, Outcome::kAccepted) << reply.message;
}

TEST_F(GrpcTls, Fault21DoesNotSendToWhomItCannotTrust) {
  for (const auto& [server, ca] :
       {std::pair("expired", certificates_->Pem("ca")),
        std::pair("server", certificates_->Pem("stranger")),
        std::pair("stranger", certificates_->Pem("ca")), std::pair("server", std::string())}) {
    const GrpcReceiver receiver({.tls = Server(server)});
    const OtlpReply reply = SendTo(receiver, {.tls = true, .ca_file = ca});
    EXPECT_EQ(reply.outcome, Outcome::kRetry) << server;
    EXPECT_THAT(reply.message, HasSubstr("UNAVAILABLE")) << server;
    EXPECT_TRUE(receiver.received().empty());
  }
}

TEST_F(GrpcTls, ShowsAClientCertificate) {
  TlsFiles server = Server("server");
  server.client_ca = ReadFile(certificates_->Pem("ca"));
  const OtlpEndpoint nobody{.ca_file = certificates_->Pem("ca")};
  EXPECT_EQ(SendTls(server, nobody).outcome, Outcome::kRetry);
  OtlpEndpoint client = nobody;
  client.client_key_file = certificates_->Key("client");
  client.client_certificate_file = certificates_->Pem("client");
  const OtlpReply reply = SendTls(server, client);
  EXPECT_EQ(reply.outcome, Outcome::kAccepted) << reply.message;
}

TEST(GrpcOptions, ErrorsNameTheBadFileOrHeader) {
  const auto error = [](const OtlpEndpoint& endpoint) {
    const auto transport = MakeGrpcTransport(endpoint);
    EXPECT_FALSE(transport);
    EXPECT_EQ(transport.error().kind, ErrorKind::kInvalid);
    return transport.error().message;
  };
  EXPECT_THAT(error({.tls = true, .ca_file = "/nonexistent.pem"}),
              HasSubstr("/nonexistent.pem: No such file"));
  EXPECT_THAT(error({.tls = true, .ca_file = "/proc/self/status"}), HasSubstr("not a PEM file"));
  for (const std::string name : {"", "a b", ":path", "grpc-timeout", "x\n"})
    EXPECT_THAT(error({.headers = {{name, "v"}}}), HasSubstr("cannot be sent"));
  const std::string message = error({.headers = {{"authorization", "secret\r\nx: y"}}});
  EXPECT_THAT(message, HasSubstr("authorization"));
  EXPECT_THAT(message, ::testing::Not(HasSubstr("secret")));
}

TEST(Reply, SurvivesMalformedMessages) {
  // Tries each prefix of a valid message, and each flip of one byte.
  const std::string good = RetryInfo(3, 1);
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_LE(ReadRpcStatus(good.substr(0, i)).message.size(), good.size());
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0xff);
    const RpcStatus status = ReadRpcStatus(bad);
    EXPECT_GE(status.retry_delay.value_or(seconds(0)), seconds(0));
  }
  EXPECT_EQ(ReadRpcStatus(RetryInfo(-5, -1)).retry_delay, seconds(0));
  EXPECT_GT(ReadRpcStatus(RetryInfo(INT64_MAX, 0)).retry_delay, std::chrono::hours(24));
  EXPECT_EQ(ReadAcceptance("\xff").outcome, Outcome::kAccepted);
}

TEST(Reply, TextIsCutAndCleaned) {
  EXPECT_EQ(testing::Received{}.Header("none"), "");
  EXPECT_EQ(QuotableText("a\r\nb\x1b[31m\xff"), "a  b [31m\uFFFD");
  const std::string cut = QuotableText(std::string(10'000, 'a'));
  EXPECT_LT(cut.size(), 300U);
  EXPECT_TRUE(cut.ends_with("…"));
}

}  // namespace
}  // namespace bpftally
