#include "settings/otlp_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bpftally {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

using Variables = std::map<std::string, std::string>;

Result<OtlpSettings> Read(const OtlpFlags& flags, const Variables& variables) {
  const Environment environment = [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  return ReadOtlpSettings(flags, environment, {.name = "pc"});
}

// Of settings without error or warning.
OtlpOptions Options(const OtlpFlags& flags, const Variables& variables = {}) {
  const auto settings = Read(flags, variables);
  EXPECT_TRUE(settings) << settings.error().message;
  if (!settings) return {};
  EXPECT_THAT(settings->warnings, IsEmpty());
  return settings->options;
}

OtlpEndpoint OnlyEndpoint(const OtlpFlags& flags, const Variables& variables = {}) {
  const OtlpOptions options = Options(flags, variables);
  EXPECT_EQ(options.endpoints.size(), 1U);
  return options.endpoints.empty() ? OtlpEndpoint() : options.endpoints[0];
}

std::vector<std::string> Warnings(const Variables& variables) {
  const auto settings = Read({.grpc = "host"}, variables);
  EXPECT_TRUE(settings);
  return settings ? settings->warnings : std::vector<std::string>();
}

void ExpectAddress(const OtlpEndpoint& endpoint, OtlpProtocol protocol, const std::string& address,
                   bool tls) {
  EXPECT_EQ(endpoint.protocol, protocol) << address;
  EXPECT_EQ(endpoint.address, address);
  EXPECT_EQ(endpoint.tls, tls) << address;
}

constexpr auto kGrpc = OtlpProtocol::kGrpc;
constexpr auto kHttp = OtlpProtocol::kHttpProtobuf;

TEST(OtlpSettingsTest, NothingIsPushedUnlessAskedFor) {
  EXPECT_THAT(Options({}).endpoints, IsEmpty());
  EXPECT_THAT(Options({}, {{"OTEL_EXPORTER_OTLP_ENDPOINT", ""}}).endpoints, IsEmpty());
  EXPECT_THAT(Options({}, {{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h:1"},
                           {"OTEL_EXPORTER_OTLP_TIMEOUT", "no number, but of no use either"},
                           {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key"}})
                  .endpoints,
              IsEmpty());
}

TEST(OtlpSettingsTest, TheGrpcFlag) {
  ExpectAddress(OnlyEndpoint({.grpc = "localhost:9"}), kGrpc, "localhost:9", false);
  ExpectAddress(OnlyEndpoint({.grpc = "localhost"}), kGrpc, "localhost:4317", false);
  ExpectAddress(OnlyEndpoint({.grpc = "http://[::1]:9/"}), kGrpc, "[::1]:9", false);
  ExpectAddress(OnlyEndpoint({.grpc = "https://host"}), kGrpc, "host:4317", true);
}

TEST(OtlpSettingsTest, TheHttpFlag) {
  ExpectAddress(OnlyEndpoint({.http = "http://host"}), kHttp, "http://host:4318/v1/metrics", false);
  ExpectAddress(OnlyEndpoint({.http = "host:9/"}), kHttp, "http://host:9/v1/metrics", false);
  ExpectAddress(OnlyEndpoint({.http = "https://host:9/my/path?a=b"}), kHttp,
                "https://host:9/my/path?a=b", true);
}

TEST(OtlpSettingsTest, BothFlagsAreTwoEndpoints) {
  const OtlpOptions options =
      Options({.grpc = "a", .http = "http://b"}, {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"}});
  ASSERT_EQ(options.endpoints.size(), 2U);
  ExpectAddress(options.endpoints[0], kGrpc, "a:4317", false);
  ExpectAddress(options.endpoints[1], kHttp, "http://b:4318/v1/metrics", false);
}

TEST(OtlpSettingsTest, AnEndpointVariableAsksOverHttp) {
  const auto address = [](const Variables& variables) {
    return OnlyEndpoint({}, variables).address;
  };
  ExpectAddress(OnlyEndpoint({}, {{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://host:1"}}), kHttp,
                "https://host:1/v1/metrics", true);
  EXPECT_EQ(address({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://host/"}}), "http://host/v1/metrics");
  EXPECT_EQ(address({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://host/base/?k=v"}}),
            "http://host/base/v1/metrics?k=v");
  EXPECT_EQ(address({{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://host:1/as/is"},
                     {"OTEL_EXPORTER_OTLP_ENDPOINT", "not used"}}),
            "http://host:1/as/is");
  EXPECT_EQ(address({{"OTEL_METRICS_EXPORTER", "otlp"}}), "http://localhost:4318/v1/metrics");
}

TEST(OtlpSettingsTest, WhereSpansGoOverHttp) {
  const auto traces = [](const OtlpFlags& flags, const Variables& variables = {}) {
    return OnlyEndpoint(flags, variables).traces_address;
  };
  EXPECT_EQ(traces({.http = "http://host"}), "http://host:4318/v1/traces");
  EXPECT_EQ(traces({.http = "https://host:9/base/v1/metrics?a=b"}),
            "https://host:9/base/v1/traces?a=b");
  EXPECT_EQ(traces({.http = "http://host:9/own"}), "") << "nobody knows";
  EXPECT_EQ(traces({}, {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://host/base/"}}),
            "http://host/base/v1/traces");
  const std::string variable = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
  EXPECT_EQ(traces({.http = "http://host:9/own"}, {{variable, "http://other/as/is"}}),
            "http://other/as/is");
  EXPECT_EQ(
      traces({}, {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://host"}, {variable, "https://other:1/t"}}),
      "https://other:1/t");
  EXPECT_EQ(traces({.grpc = "host:1"}, {{variable, "no url"}}), "") << "gRPC has one address";
  EXPECT_TRUE(Options({}, {{variable, "http://other"}}).endpoints.empty()) << "asks for no push";
}

TEST(OtlpSettingsTest, AnEndpointVariableOverGrpc) {
  const auto endpoint = [](Variables variables) {
    variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
    variables["OTEL_METRICS_EXPORTER"] = "OTLP";
    return OnlyEndpoint({}, variables);
  };
  ExpectAddress(endpoint({}), kGrpc, "localhost:4317", false);
  ExpectAddress(endpoint({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h:1"}}), kGrpc, "h:1", true);
  ExpectAddress(endpoint({{"OTEL_EXPORTER_OTLP_ENDPOINT", "h:1"}}), kGrpc, "h:1", true);
  ExpectAddress(
      endpoint({{"OTEL_EXPORTER_OTLP_ENDPOINT", "h:1"}, {"OTEL_EXPORTER_OTLP_INSECURE", "True"}}),
      kGrpc, "h:1", false);
  ExpectAddress(endpoint({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h:1"},
                          {"OTEL_EXPORTER_OTLP_INSECURE", "true"}}),
                kGrpc, "h:1", true);
  ExpectAddress(endpoint({{"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"}}), kHttp,
                "http://localhost:4318/v1/metrics", false);
}

TEST(OtlpSettingsTest, WhichExporterDecides) {
  const std::string variable = "OTEL_METRICS_EXPORTER";
  const std::pair<std::string, std::string> endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT",
                                                        "http://h:1"};
  for (const char* const off : {"none", "prometheus", "console", "none,otlp", "prometheus,console"})
    EXPECT_THAT(Options({}, {endpoint, {variable, off}}).endpoints, IsEmpty()) << off;
  for (const char* const on : {"otlp", "prometheus, otlp", "", "Otlp"})
    EXPECT_EQ(Options({}, {endpoint, {variable, on}}).endpoints.size(), 1U) << on;
  EXPECT_EQ(Options({.grpc = "h"}, {{variable, "none"}}).endpoints.size(), 1U);
}

TEST(OtlpSettingsTest, AnUnknownExporterIsAsGoodAsNone) {
  const auto settings = Read({}, {{"OTEL_METRICS_EXPORTER", "oltp"}});
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->options.endpoints, IsEmpty());
  EXPECT_THAT(settings->warnings,
              ElementsAre(AllOf(HasSubstr("OTEL_METRICS_EXPORTER"), HasSubstr("\"oltp\""),
                                HasSubstr("did you mean \"otlp\""))));
}

TEST(OtlpSettingsTest, TheSdkCanBeDisabled) {
  const Variables variables = {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1"},
                               {"OTEL_SDK_DISABLED", "TRUE"}};
  EXPECT_THAT(Options({}, variables).endpoints, IsEmpty());
  EXPECT_EQ(Options({.grpc = "h"}, variables).endpoints.size(), 1U);
}

TEST(OtlpSettingsTest, WhatAnEndpointHas) {
  const OtlpEndpoint bare = OnlyEndpoint({.grpc = "h"});
  EXPECT_TRUE(bare.gzip);
  EXPECT_EQ(bare.timeout, 10s);
  EXPECT_THAT(bare.headers, IsEmpty());
  const OtlpEndpoint endpoint =
      OnlyEndpoint({.grpc = "h"}, {{"OTEL_EXPORTER_OTLP_COMPRESSION", "none"},
                                   {"OTEL_EXPORTER_OTLP_TIMEOUT", "1500"},
                                   {"OTEL_EXPORTER_OTLP_HEADERS", "Api-Key=a%20b=,x=y"},
                                   {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca"},
                                   {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key"},
                                   {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/cert"}});
  EXPECT_FALSE(endpoint.gzip);
  EXPECT_EQ(endpoint.timeout, 1500ms);
  EXPECT_THAT(endpoint.headers, ElementsAre(Pair("api-key", "a b="), Pair("x", "y")));
  EXPECT_EQ(endpoint.ca_file, "/ca");
  EXPECT_EQ(endpoint.client_key_file, "/key");
  EXPECT_EQ(endpoint.client_certificate_file, "/cert");
}

TEST(OtlpSettingsTest, WhatIsForMetricsGoesFirst) {
  const OtlpEndpoint endpoint =
      OnlyEndpoint({.http = "h"}, {{"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},
                                   {"OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"},
                                   {"OTEL_EXPORTER_OTLP_TIMEOUT", "1"},
                                   {"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2"},
                                   {"OTEL_EXPORTER_OTLP_HEADERS", "a=b"},
                                   {"OTEL_EXPORTER_OTLP_METRICS_HEADERS", "c=d"},
                                   {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca"},
                                   {"OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "/mine"}});
  EXPECT_FALSE(endpoint.gzip);
  EXPECT_EQ(endpoint.timeout, 2ms);
  EXPECT_THAT(endpoint.headers, ElementsAre(Pair("c", "d")));
  EXPECT_EQ(endpoint.ca_file, "/mine");
}

TEST(OtlpSettingsTest, IntervalTimeoutAndTemporality) {
  const OtlpOptions bare = Options({.grpc = "h"});
  EXPECT_EQ(bare.interval, 60s);
  EXPECT_EQ(bare.timeout, 30s);
  EXPECT_EQ(bare.temporality, OtlpTemporality::kCumulative);
  const Variables variables = {{"OTEL_METRIC_EXPORT_INTERVAL", "5000"},
                               {"OTEL_METRIC_EXPORT_TIMEOUT", "4000"},
                               {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"}};
  const OtlpOptions options = Options({.grpc = "h"}, variables);
  EXPECT_EQ(options.interval, 5s);
  EXPECT_EQ(options.timeout, 4s);
  EXPECT_EQ(options.temporality, OtlpTemporality::kDelta);
  const char* const preference = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
  EXPECT_EQ(Options({.grpc = "h"}, {{preference, "LowMemory"}}).temporality,
            OtlpTemporality::kCumulative);
}

TEST(OtlpSettingsTest, TheResourceIsOfTheHost) {
  EXPECT_THAT(Options({.grpc = "h"}).resource, testing::Contains(Pair("host.name", "pc")));
}

TEST(OtlpSettingsTest, WhatIsNotValidIsIgnoredWithAWarning) {
  for (const char* const name : {"OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT",
                                 "OTEL_EXPORTER_OTLP_TIMEOUT"}) {
    for (const char* const value :
         {"0", "-1", "x", "1s", "1.5", "99999999999999999999", "86400001"}) {
      EXPECT_THAT(Warnings({{name, value}}),
                  ElementsAre(AllOf(HasSubstr(name), HasSubstr("milliseconds"))))
          << value;
    }
  }
  for (const char* const name :
       {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "OTEL_EXPORTER_OTLP_COMPRESSION"}) {
    EXPECT_THAT(Warnings({{name, "zstd"}}), ElementsAre(HasSubstr(name)));
  }
  const auto settings = Read({}, {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1"},
                                  {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"}});
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->warnings, ElementsAre(HasSubstr("http/protobuf")));
  EXPECT_EQ(settings->options.endpoints.at(0).protocol, kHttp);
}

TEST(OtlpSettingsTest, WarnsOfThePortOfGrpc) {
  const auto settings = Read({}, {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317"}});
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->warnings, ElementsAre(HasSubstr("OTEL_EXPORTER_OTLP_PROTOCOL")));
}

TEST(OtlpSettingsTest, HeadersThatAreNotValidAreIgnoredAndNotShown) {
  for (const char* const value :
       {"secret", "k=secret%0d%0aInjected: x", "k=secret%zz", "k k=secret", "k=secret%ff"}) {
    const auto settings =
        Read({.grpc = "h"}, {{"OTEL_EXPORTER_OTLP_HEADERS", std::string("a=b,") + value}});
    ASSERT_TRUE(settings);
    EXPECT_THAT(settings->warnings, ElementsAre(AllOf(HasSubstr("OTEL_EXPORTER_OTLP_HEADERS"),
                                                      Not(HasSubstr("secret")))))
        << value;
    EXPECT_THAT(settings->options.endpoints.at(0).headers, IsEmpty());
  }
}

TEST(OtlpSettingsTest, ErrorsComeAllAtOnce) {
  const auto settings =
      Read({.grpc = "a b", .http = "ftp://h"}, {{"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key"}});
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(settings.error().message, AllOf(HasSubstr("--otlp-grpc: \"a b\" is not HOST:PORT"),
                                              HasSubstr("--otlp-http: \"ftp://h\" is not a URL"),
                                              HasSubstr("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")));
}

TEST(OtlpSettingsTest, BadEndpoints) {
  for (const char* const grpc : {"host:0", "http://host/path", "unix:///socket"})
    EXPECT_FALSE(Read({.grpc = grpc}, {})) << grpc;
  for (const char* const http : {"host:4318", "4318", "http://"})
    EXPECT_FALSE(Read({}, {{"OTEL_EXPORTER_OTLP_ENDPOINT", http}})) << http;
  EXPECT_THAT(Read({}, {{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "host"}}).error().message,
              AllOf(HasSubstr("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"), HasSubstr("http://HOST")));
}

TEST(OtlpSettingsTest, ErrorsDoNotShowWhatMayBeSecret) {
  for (const char* const url : {"http://user:secret@host:1", "http://ho st/?key=secret"}) {
    const auto settings = Read({.http = url}, {});
    ASSERT_FALSE(settings);
    EXPECT_THAT(settings.error().message,
                AllOf(HasSubstr("--otlp-http"), Not(HasSubstr("secret"))));
  }
}

}  // namespace
}  // namespace bpftally
