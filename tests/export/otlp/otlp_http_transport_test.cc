#include <gmock/gmock.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>

#include <ctime>
#include <thread>

#include "build_paths.h"
#include "export/otlp/otlp_certificates.h"
#include "export/otlp/otlp_receivers.h"
#include "export/otlp/otlp_transport.h"

namespace bpftally {
namespace {

using Outcome = OtlpReply::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Certificates;
using ::testing::HasSubstr;
using testing::HttpAnswerText;
using testing::HttpReceiver;
using testing::Received;

constexpr seconds kPatience{20};
constexpr const char* kProtobuf = "Content-Type: application/x-protobuf\r\n";

std::chrono::steady_clock::time_point In(std::chrono::nanoseconds time) {
  return std::chrono::steady_clock::now() + time;
}

std::unique_ptr<OtlpTransport> Transport(OtlpEndpoint endpoint) {
  endpoint.protocol = OtlpProtocol::kHttpProtobuf;
  auto transport = MakeHttpTransport(endpoint);
  EXPECT_TRUE(transport) << transport.error().message;
  return std::move(*transport);
}

OtlpReply SendTo(const std::string& url, OtlpEndpoint endpoint = {}) {
  endpoint.address = url;
  return Transport(endpoint)->Send(OtlpSignal::kMetrics, "request", In(kPatience), {});
}

OtlpReply ReplyTo(const std::string& answer) {
  const HttpReceiver receiver([&](const Received&) { return answer; });
  return SendTo(receiver.url());
}

std::string Accepting(const Received&) { return HttpAnswerText("200 OK", kProtobuf); }

TEST(HttpTransport, SendsTheRequestAndItsHeaders) {
  for (const bool gzip : {true, false}) {
    const HttpReceiver receiver(Accepting);
    const OtlpReply reply =
        SendTo(receiver.url(), {.headers = {{"X-Tenant", "blue"}, {"Empty", ""}}, .gzip = gzip});
    EXPECT_EQ(reply.outcome, Outcome::kAccepted) << reply.message;
    ASSERT_EQ(receiver.received().size(), 1U);
    const Received received = receiver.received().front();
    EXPECT_EQ(received.target, "POST /v1/metrics");
    EXPECT_EQ(received.message, "request");
    EXPECT_EQ(received.Header("content-type"), "application/x-protobuf");
    EXPECT_EQ(received.Header("content-encoding"), gzip ? "gzip" : "");
    EXPECT_EQ(received.Header("x-tenant"), "blue");
    EXPECT_THAT(received.headers, ::testing::Contains(::testing::Pair("empty", "")));
    EXPECT_THAT(received.Header("user-agent"), ::testing::StartsWith("bpftally/"));
  }
}

TEST(HttpTransport, SendsTracesToTheirOwnAddress) {
  const HttpReceiver receiver(Accepting);
  const std::string traces = receiver.url().substr(0, receiver.url().rfind('/')) + "/traces";
  const auto transport = Transport({.address = receiver.url(), .traces_address = traces});
  transport->Send(OtlpSignal::kTraces, "spans", In(kPatience), {});
  transport->Send(OtlpSignal::kMetrics, "points", In(kPatience), {});
  ASSERT_EQ(receiver.received().size(), 2U);
  EXPECT_EQ(receiver.received()[0].target, "POST /v1/traces");
  EXPECT_EQ(receiver.received()[0].message, "spans");
  EXPECT_EQ(receiver.received()[1].target, "POST /v1/metrics");

  const OtlpReply reply =
      Transport({.address = receiver.url()})->Send(OtlpSignal::kTraces, "", In(kPatience), {});
  EXPECT_EQ(reply.outcome, Outcome::kRejected);
  EXPECT_THAT(reply.message, HasSubstr("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"));
  EXPECT_EQ(receiver.received().size(), 2U) << "sent where nobody said it is taken";
}

TEST(HttpTransport, ReusesItsConnection) {
  const HttpReceiver receiver(Accepting);
  const auto transport = Transport({.address = receiver.url()});
  for (int i = 0; i < 3; ++i) transport->Send(OtlpSignal::kMetrics, "request", In(kPatience), {});
  EXPECT_EQ(receiver.received().size(), 3U);
  EXPECT_EQ(receiver.connections(), 1);
}

TEST(HttpTransport, Fault21TellsApartWhatMayBeTriedAgain) {
  for (const auto& [status, outcome] :
       {std::pair("200 OK", Outcome::kAccepted), std::pair("202 Fine", Outcome::kAccepted),
        std::pair("301 Moved", Outcome::kRejected), std::pair("400 Bad", Outcome::kRejected),
        std::pair("401 Who", Outcome::kRejected), std::pair("404 No", Outcome::kRejected),
        std::pair("413 Large", Outcome::kTooLarge), std::pair("429 Many", Outcome::kRetry),
        std::pair("500 Broken", Outcome::kRejected), std::pair("502 Gateway", Outcome::kRetry),
        std::pair("503 Busy", Outcome::kRetry), std::pair("504 Late", Outcome::kRetry)}) {
    const OtlpReply reply = ReplyTo(HttpAnswerText(status, "", "no\nmore"));
    EXPECT_EQ(reply.outcome, outcome) << status;
    if (outcome == Outcome::kAccepted) continue;
    EXPECT_THAT(reply.message, HasSubstr("HTTP " + std::string(status).substr(0, 3) + ": no more"));
  }
}

TEST(HttpTransport, DoesNotFollowARedirection) {
  const HttpReceiver elsewhere(Accepting);
  const OtlpReply reply =
      ReplyTo(HttpAnswerText("307 There", "Location: " + elsewhere.url() + "\r\n"));
  EXPECT_EQ(reply.outcome, Outcome::kRejected);
  EXPECT_THAT(reply.message, HasSubstr("not followed"));
  EXPECT_TRUE(elsewhere.received().empty());
}

TEST(HttpTransport, HeedsRetryAfter) {
  EXPECT_EQ(ReplyTo(HttpAnswerText("429 Many", "Retry-After: 7\r\n")).retry_after, seconds(7));
  EXPECT_EQ(ReplyTo(HttpAnswerText("503 Busy")).retry_after, std::nullopt);
  EXPECT_EQ(ReplyTo(HttpAnswerText("503 Busy", "Retry-After: soon\r\n")).retry_after, std::nullopt);
  EXPECT_GT(ReplyTo(HttpAnswerText("503 Busy", "Retry-After: 99999999999999\r\n")).retry_after,
            seconds(0));

  const std::time_t later = std::time(nullptr) + 60;
  std::tm utc{};
  gmtime_r(&later, &utc);
  std::array<char, 64> date{};
  std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  const OtlpReply reply =
      ReplyTo(HttpAnswerText("503 Busy", "Retry-After: " + std::string(date.data()) + "\r\n"));
  ASSERT_TRUE(reply.retry_after);
  EXPECT_LE(*reply.retry_after, seconds(61));
  EXPECT_GE(*reply.retry_after, seconds(30));
}

TEST(HttpTransport, Fault21ReadsAPartialSuccess) {
  opentelemetry::proto::collector::metrics::v1::ExportMetricsServiceResponse response;
  response.mutable_partial_success()->set_rejected_data_points(4);
  response.mutable_partial_success()->set_error_message("too old");
  const std::string body = response.SerializeAsString();
  const OtlpReply reply = ReplyTo(HttpAnswerText("200 OK", kProtobuf, body));
  EXPECT_EQ(reply.outcome, Outcome::kAccepted);
  EXPECT_EQ(reply.rejected, 4U);
  EXPECT_EQ(reply.message, "too old");
  EXPECT_EQ(ReplyTo(HttpAnswerText("200 OK", "Content-Type: text/plain\r\n", body)).rejected, 0U);
}

TEST(HttpTransport, ReadsTheStatusOfAnError) {
  google::protobuf::Empty status;
  status.GetReflection()->MutableUnknownFields(&status)->AddLengthDelimited(2, "no such tenant");
  EXPECT_THAT(ReplyTo(HttpAnswerText("400 Bad", kProtobuf, status.SerializeAsString())).message,
              HasSubstr("HTTP 400: no such tenant"));
}

TEST(HttpTransport, KeepsLittleOfALargeResponse) {
  const OtlpReply reply = ReplyTo(HttpAnswerText("400 Bad", "", std::string(8 << 20, 'a')));
  EXPECT_EQ(reply.outcome, Outcome::kRejected);
  EXPECT_LT(reply.message.size(), 400U);
}

TEST(HttpTransport, EndsAResponseWithEndlessHeaders) {
  std::string lines;
  while (lines.size() < 1 << 20) lines += "X-Line: " + std::string(1000, 'a') + "\r\n";
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n0\r\n";
  for (const std::string& answer : {head + lines + chunked + "\r\n",     // before the body
                                    head + chunked + lines + "\r\n"}) {  // after the body
    const OtlpReply reply = ReplyTo(answer);
    EXPECT_EQ(reply.outcome, Outcome::kRetry);
    EXPECT_THAT(reply.message, HasSubstr("headers of its answer are too large"));
  }
}

TEST(HttpTransport, ReturnsByTheDeadline) {
  const HttpReceiver receiver([](const Received&) { return ""; });
  const auto transport = Transport({.address = receiver.url()});
  const auto began = std::chrono::steady_clock::now();
  const OtlpReply reply =
      transport->Send(OtlpSignal::kMetrics, "request", In(milliseconds(300)), {});
  EXPECT_EQ(reply.outcome, Outcome::kRetry);
  EXPECT_THAT(reply.message, HasSubstr("timed out"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, kPatience);
}

TEST(HttpTransport, ReturnsWhenCancelled) {
  const HttpReceiver receiver([](const Received&) { return ""; });
  const auto transport = Transport({.address = receiver.url()});
  std::stop_source cancel;
  const std::jthread canceller([&] {
    EXPECT_TRUE(Eventually([&] { return !receiver.received().empty(); }));
    cancel.request_stop();
  });
  const auto began = std::chrono::steady_clock::now();
  const OtlpReply reply =
      transport->Send(OtlpSignal::kMetrics, "request", In(seconds(60)), cancel.get_token());
  EXPECT_EQ(reply.outcome, Outcome::kRetry);
  EXPECT_LT(std::chrono::steady_clock::now() - began, kPatience);
}

TEST(HttpTransport, RetriesAfterABrokenConnection) {
  EXPECT_EQ(
      ReplyTo("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nshort").outcome,
      Outcome::kRetry);
  EXPECT_EQ(ReplyTo("nonsense\r\n\r\n").outcome, Outcome::kRetry);
  std::string url;
  {
    const HttpReceiver receiver(Accepting);
    url = receiver.url();
  }
  const OtlpReply reply = SendTo(url);
  EXPECT_EQ(reply.outcome, Outcome::kRetry);
  EXPECT_THAT(reply.message, HasSubstr("connect"));
}

class HttpTls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (Lacking().empty()) certificates_ = std::make_unique<Certificates>();
  }
  static void TearDownTestSuite() { certificates_.reset(); }
  void SetUp() override {
    if (!certificates_) GTEST_SKIP() << Lacking();
  }

  static std::string Lacking() {
    if (FindProgram("python3").empty()) return "python3 is not on PATH (Debian package python3)";
    return Certificates::Lacking();
  }

  static OtlpReply SendTls(const std::string& server, const OtlpEndpoint& endpoint,
                           const std::string& client_ca = "") {
    std::vector<std::string> command = {FindProgram("python3"), "-B",
                                        BPFTALLY_SOURCE_DIR "/tests/export/otlp/https_receiver.py",
                                        certificates_->Pem(server), certificates_->Key(server)};
    if (!client_ca.empty()) command.push_back(certificates_->Pem(client_ca));
    const Process receiver(command);
    EXPECT_TRUE(Eventually([&] { return receiver.output().ends_with('\n'); })) << receiver.errors();
    const std::string port = receiver.output().substr(0, receiver.output().find('\n'));
    return SendTo("https://127.0.0.1:" + port + "/v1/metrics", endpoint);
  }

  static inline std::unique_ptr<Certificates> certificates_;
};

TEST_F(HttpTls, TrustsTheAuthorityItIsGiven) {
  const OtlpReply reply = SendTls("server", {.ca_file = certificates_->Pem("ca")});
  EXPECT_EQ(reply.outcome, Outcome::kAccepted) << reply.message;
}

TEST_F(HttpTls, Fault21DoesNotSendToWhomItCannotTrust) {
  for (const auto& [server, ca] :
       {std::pair("expired", certificates_->Pem("ca")),
        std::pair("server", certificates_->Pem("stranger")), std::pair("server", std::string())}) {
    const OtlpReply reply = SendTls(server, {.ca_file = ca});
    EXPECT_EQ(reply.outcome, Outcome::kRetry) << server;
    EXPECT_THAT(reply.message, HasSubstr("certificate")) << server;
  }
}

TEST_F(HttpTls, ShowsAClientCertificate) {
  OtlpEndpoint client{.ca_file = certificates_->Pem("ca")};
  EXPECT_EQ(SendTls("server", client, "ca").outcome, Outcome::kRetry);
  client.client_key_file = certificates_->Key("client");
  client.client_certificate_file = certificates_->Pem("client");
  const OtlpReply reply = SendTls("server", client, "ca");
  EXPECT_EQ(reply.outcome, Outcome::kAccepted) << reply.message;
}

TEST(HttpOptions, ErrorsNameTheBadFileOrHeader) {
  const auto error = [](const OtlpEndpoint& endpoint) {
    const auto transport = MakeHttpTransport(endpoint);
    EXPECT_FALSE(transport);
    EXPECT_EQ(transport.error().kind, ErrorKind::kInvalid);
    return transport.error().message;
  };
  EXPECT_THAT(error({.ca_file = "/nonexistent.pem"}), HasSubstr("/nonexistent.pem: No such file"));
  for (const std::string name : {"", "a b", "a:", "x\r\ny"})
    EXPECT_THAT(error({.headers = {{name, "v"}}}), HasSubstr("cannot be sent"));
  const std::string message = error({.headers = {{"authorization", "secret\r\nx: y"}}});
  EXPECT_THAT(message, HasSubstr("authorization"));
  EXPECT_THAT(message, ::testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace bpftally
