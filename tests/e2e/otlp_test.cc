// The real binary pushing what it serves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <csignal>
#include <filesystem>
#include <sstream>

#include "e2e/exporter.h"
#include "export/otlp/otlp_decoder.h"
#include "export/otlp/otlp_receivers.h"
#include "export/prometheus/exposition_parser.h"

namespace bpftally {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Each;
using testing::GrpcReceiver;
using ::testing::HasSubstr;
using testing::HttpAnswerText;
using testing::HttpReceiver;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Received;
using ::testing::StartsWith;

using Labels = std::map<std::string, std::string>;

// Values by name and labels. A replay holds the census still; of what bpftally says about itself
// only the names and labels are kept, and nothing about the push, which changes by being seen.
class Series {
 public:
  void Add(const std::string& name, const Labels& labels, double value) {
    if (name.starts_with("bpftally_otlp_")) return;
    std::string key = name;
    for (const auto& [label, text] : labels) {
      if (!text.empty()) key.append(",").append(label).append("=").append(text);
    }
    values_[key] = name.starts_with("bpf_") ? value : 0;
  }
  bool empty() const { return values_.empty(); }
  bool operator==(const Series&) const = default;
  friend void PrintTo(const Series& series, std::ostream* out) {
    for (const auto& [key, value] : series.values_) *out << "\n  " << key << " " << value;
  }

 private:
  std::map<std::string, double> values_;
};

Series Scraped(const Exporter& exporter) {
  Series series;
  const auto families = ParseExposition(exporter.Get("/metrics").body, TextFormat::kPrometheus004);
  EXPECT_TRUE(families) << families.error();
  for (const ParsedFamily& family : *families) {
    for (const ParsedSample& sample : family.samples)
      series.Add(sample.name, sample.labels, sample.value);
  }
  return series;
}

Series Pushed(const std::vector<Received>& requests) {
  Series series;
  for (const Received& request : requests) {
    const auto content = DecodeOtlp(request.message);
    EXPECT_TRUE(content);
    for (const OtlpPoint& point : content->points) {
      const double value =
          std::visit([](auto number) { return static_cast<double>(number); }, point.value);
      series.Add(PrometheusName(point.metric, UnitCheck::kAtEnd), point.labels, value);
    }
  }
  return series;
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> Replaying(std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"--replay", kFixture, "--poll-interval=50ms"});
  return flags;
}

std::string Metric(const Exporter& exporter, const std::string& name) {
  std::istringstream lines(exporter.Get("/metrics").body);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name)) return line.substr(line.rfind(' ') + 1);
  }
  return "";
}

TEST(OtlpGrpc, PushesWhatIsServed) {
  const GrpcReceiver receiver({});
  Exporter exporter(Replaying({"--otlp-grpc", receiver.address()}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  ASSERT_TRUE(Eventually([&] { return !receiver.received().empty(); }))
      << exporter.process().errors();
  const Series pushed = Pushed({receiver.received().front()});
  EXPECT_FALSE(pushed.empty());
  EXPECT_EQ(pushed, Scraped(exporter));
  const auto resource = DecodeOtlp(receiver.received().front().message)->resource;
  EXPECT_EQ(resource.at("service.name"), "bpftally");
}

TEST(OtlpHttp, PushesWhatIsServed) {
  const HttpReceiver receiver([](const Received&) { return HttpAnswerText("200 OK"); });
  Exporter exporter(Replaying({"--otlp-http", receiver.url()}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  ASSERT_TRUE(Eventually([&] { return !receiver.received().empty(); }))
      << exporter.process().errors();
  EXPECT_EQ(receiver.received().front().Header("content-encoding"), "gzip");
  EXPECT_EQ(Pushed({receiver.received().front()}), Scraped(exporter));
}

TEST(OtlpEnvironment, TurnsThePushOnAndNamesTheService) {
  const HttpReceiver receiver([](const Received&) { return HttpAnswerText("200 OK"); });
  const std::string base = receiver.url().substr(0, receiver.url().rfind("/v1/metrics"));
  Exporter exporter(Replaying({}),
                    {.environment = {{"OTEL_EXPORTER_OTLP_ENDPOINT", base},
                                     {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"},
                                     {"OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue"},
                                     {"OTEL_SERVICE_NAME", "census"}}});
  ASSERT_TRUE(Eventually([&] { return !receiver.received().empty(); }))
      << exporter.process().errors();
  const Received first = receiver.received().front();
  EXPECT_EQ(first.target, "POST /v1/metrics");
  EXPECT_EQ(first.Header("x-tenant"), "blue");
  EXPECT_EQ(DecodeOtlp(first.message)->resource.at("service.name"), "census");
}

TEST(OtlpOff, NothingOfItIsLoaded) {
  const auto maps = [](Exporter& exporter) {
    return ReadFile("/proc/" + std::to_string(exporter.process().pid()) + "/maps");
  };
  Exporter off(Replaying({}));
  ASSERT_NE(off.WaitForPort(), 0);
  EXPECT_THAT(off.Get("/metrics").body, Not(HasSubstr("otlp")));
  for (const char* library : {"libbpftally-otlp", "libgrpc", "libprotobuf", "libcurl"})
    EXPECT_THAT(maps(off), Not(HasSubstr(library)));
  Exporter on(Replaying({"--otlp-grpc", "127.0.0.1:1"}));
  ASSERT_NE(on.WaitForPort(), 0) << on.process().errors();
  EXPECT_THAT(maps(on), HasSubstr("libbpftally-otlp.so"));
}

TEST(OtlpMetrics, TellHowItFares) {
  auto receiver = std::make_unique<GrpcReceiver>(GrpcReceiver::Options{});
  const std::string address = receiver->address();
  const std::string labels = "{endpoint=\"" + address + "\"";
  Exporter exporter(Replaying({"--otlp-grpc", address, "--otlp-interval=100ms"}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const auto becomes = [&](const std::string& metric, const std::string& value) {
    return Eventually([&] { return Metric(exporter, metric + labels) == value; });
  };
  EXPECT_TRUE(becomes("bpftally_otlp_up", "1"));
  EXPECT_NE(Metric(exporter, "bpftally_otlp_last_success_timestamp_seconds" + labels), "");
  EXPECT_NE(Metric(exporter, "bpftally_otlp_exports_total" + labels + ",outcome=\"success\"}"),
            "0");
  EXPECT_EQ(Metric(exporter, "bpftally_otlp_exports_total" + labels + ",outcome=\"failure\"}"),
            "0");
  EXPECT_NE(Metric(exporter, "bpftally_otlp_points_total" + labels + ",outcome=\"accepted\"}"),
            "0");

  receiver.reset();
  EXPECT_TRUE(becomes("bpftally_otlp_up", "0"));
  EXPECT_NE(Metric(exporter, "bpftally_otlp_points_total" + labels + ",outcome=\"dropped\"}"), "0");
  receiver = std::make_unique<GrpcReceiver>(
      GrpcReceiver::Options{.port = std::stoi(address.substr(address.find(':') + 1))});
  EXPECT_TRUE(becomes("bpftally_otlp_up", "1"));
  const std::string log = exporter.process().errors();
  EXPECT_TRUE(Has(log, "OTLP: exporting to " + address + " fails: gRPC UNAVAILABLE")) << log;
  EXPECT_TRUE(Has(log, "works again after")) << log;
}

TEST(OtlpHang, Fault21TheScrapesNoticeNothingAndTheEndComesInTime) {
  const HttpReceiver hanging([](const Received&) { return ""; });
  Exporter exporter(Replaying({"--otlp-http", hanging.url(), "--otlp-interval=100ms"}),
                    {.environment = {{"OTEL_EXPORTER_OTLP_TIMEOUT", "60000"}}});
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  ASSERT_TRUE(Eventually([&] { return !hanging.received().empty(); }));
  for (int i = 0; i < 20; ++i) {
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(exporter.Get("/metrics").status, 200);
    EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(20));
  }
  EXPECT_EQ(hanging.received().size(), 1U) << "no second request while the first is under way";
  exporter.process().Signal(SIGTERM);
  EXPECT_EQ(exporter.process().Wait(seconds(30)), 0);
}

TEST(OtlpLog, TheModuleWritesAsTheProgramDoes) {
  Exporter exporter(Replaying(
      {"--otlp-http=http://127.0.0.1:" + std::to_string(FreePort()), "--log.format=json"}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  EXPECT_TRUE(Eventually([&] {
    return exporter.process().errors().contains("OTLP: exporting to");
  })) << exporter.process().errors();
  exporter.process().Signal(SIGTERM);
  EXPECT_EQ(exporter.process().Wait(seconds(30)), 0);
  std::istringstream log(exporter.process().errors());
  std::vector<std::string> lines;
  for (std::string line; std::getline(log, line);) lines.push_back(line);
  EXPECT_THAT(lines, Each(StartsWith("{\"time\":")));
}

// As a request tells it; -1 where it does not.
int64_t SuccessfulExports(const Received& request) {
  const auto content = DecodeOtlp(request.message);
  for (const OtlpPoint& point : content->points) {
    if (point.metric.name == "bpftally_otlp_exports" && point.labels.at("outcome") == "success")
      return std::get<int64_t>(point.value);
  }
  return -1;
}

TEST(OtlpEnd, TheLastExportArrives) {
  const GrpcReceiver receiver({});
  Exporter exporter(Replaying({"--otlp-grpc", receiver.address(), "--otlp-interval=1h"}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  ASSERT_TRUE(Eventually([&] {
    return Metric(exporter, "bpftally_otlp_up{endpoint=\"" + receiver.address() + "\"}") == "1";
  }));
  EXPECT_EQ(receiver.received().size(), 1U);
  exporter.process().Signal(SIGTERM);
  EXPECT_EQ(exporter.process().Wait(seconds(30)), 0) << exporter.process().errors();
  ASSERT_EQ(receiver.received().size(), 2U);
  // It is newer than the first one, which it counts.
  EXPECT_EQ(SuccessfulExports(receiver.received().front()), 0);
  EXPECT_EQ(SuccessfulExports(receiver.received().back()), 1);
}

TEST(OtlpMemory, Fault21StaysFlatWhileTheReceiverRefuses) {
  // Refused for good: nothing waits in between.
  const HttpReceiver receiver([](const Received&) { return HttpAnswerText("400 No"); });
  Exporter exporter(Replaying({"--otlp-http", receiver.url(), "--otlp-interval=100ms"}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const auto resident = [&](size_t after) {
    EXPECT_TRUE(Eventually([&] { return receiver.received().size() >= after; }, seconds(60)));
    return std::stod(Metric(exporter, "process_resident_memory_bytes"));
  };
  resident(10);
  const double before = resident(30);
  constexpr double kMebibyte = 1 << 20;
  EXPECT_LT(resident(130) - before, 2 * kMebibyte);
}

TEST(NoPrometheus, PushesWithoutAServer) {
  const GrpcReceiver receiver({});
  const Process pushing(
      Bpftally(Replaying({"--no-prometheus", "--otlp-grpc", receiver.address()})));
  EXPECT_TRUE(Eventually([&] { return !receiver.received().empty(); })) << pushing.errors();
  EXPECT_THAT(pushing.errors(), Not(HasSubstr("serving")));
}

TEST(NoPrometheus, IsRefusedWhereNothingIsPushed) {
  const Finished finished = RunToEnd(Bpftally(Replaying({"--no-prometheus"})));
  EXPECT_EQ(finished.status, 78);
  EXPECT_THAT(finished.errors, HasSubstr("--no-prometheus leaves nothing to do"));
}

TEST(OtlpOptions, WhatDoesNotDoIsSaidAtStart) {
  const Finished file = RunToEnd(Bpftally(Replaying({"--otlp-grpc", "https://localhost"})),
                                 {.environment = {{"OTEL_EXPORTER_OTLP_CERTIFICATE", "/no.pem"}}});
  EXPECT_EQ(file.status, 78);
  EXPECT_THAT(file.errors, HasSubstr("/no.pem: No such file"));
  const Finished url = RunToEnd(Bpftally(Replaying({"--otlp-http", "ftp://localhost"})));
  EXPECT_EQ(url.status, 78);
  EXPECT_THAT(url.errors, HasSubstr("--otlp-http"));
}

TEST(OtlpModule, ThatIsMissingIsSaidAtStart) {
  const TempDirectory directory;
  const std::string alone = directory.Path("bpftally");
  std::filesystem::copy_file(kBpftally, alone);
  const Finished finished = RunToEnd({alone, "--replay", kFixture, "--otlp-grpc", "localhost"});
  EXPECT_EQ(finished.status, 69);
  EXPECT_THAT(finished.errors,
              HasSubstr("libbpftally-otlp.so, which is neither at " + directory.Path("")));
}

// A receiver of another make, with its own reading of names and units.
class VictoriaMetrics : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string program = FindProgram("victoria-metrics");
    if (program.empty() ||
        !Has(RunToEnd({program, "--help"}).errors + RunToEnd({program, "--help"}).output, kNaming))
      GTEST_SKIP() << "no victoria-metrics on PATH that takes OTLP (Debian 13's package)";
    process_.emplace(std::vector<std::string>{program,
                                              "-httpListenAddr=127.0.0.1:" + std::to_string(port_),
                                              "-storageDataPath=" + data_.Path("data"),
                                              "-" + kNaming + "=true", "-retentionPeriod=100y"});
    ASSERT_TRUE(Eventually([this] { return HttpGet(port_, "/health").status == 200; }, seconds(60)))
        << process_->errors();
  }

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/opentelemetry/v1/metrics";
  }

  // Everything it has, without what it took from the resource and the scope.
  Series Stored() const {
    Series series;
    HttpGet(port_, "/internal/force_flush");  // else it shows new data after some seconds
    std::istringstream lines(HttpGet(port_, "/api/v1/export?match[]={__name__!=%22%22}").body);
    for (std::string line; std::getline(lines, line);) {
      const YAML::Node node = YAML::Load(line);  // JSON is YAML
      Labels labels;
      for (const auto& label : node["metric"]) {
        const auto name = label.first.as<std::string>();
        if (name != "__name__" && !FromResource(name))
          labels[name] = label.second.as<std::string>();
      }
      const YAML::Node values = node["values"];
      series.Add(node["metric"]["__name__"].as<std::string>(), labels,
                 values[values.size() - 1].as<double>());
    }
    return series;
  }

  static inline const std::string kNaming = "opentelemetry.usePrometheusNaming";

 private:
  static bool FromResource(const std::string& label) {
    for (const char* prefix : {"service_", "host_", "os_", "scope_", "k8s_", "job", "instance"}) {
      if (label.starts_with(prefix)) return true;
    }
    return false;
  }

  const TempDirectory data_;
  const int port_ = FreePort();
  std::optional<Process> process_;
};

TEST_F(VictoriaMetrics, HasExactlyWhatIsServed) {
  Exporter exporter(Replaying({"--otlp-http", url()}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const Series scraped = Scraped(exporter);
  EXPECT_TRUE(Eventually([&] { return Stored() == scraped; }, seconds(20)));
  EXPECT_EQ(Stored(), scraped) << exporter.process().errors();
}

}  // namespace
}  // namespace bpftally
