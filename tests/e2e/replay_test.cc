// The real binary serving a dumped snapshot: needs no privilege.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <csignal>
#include <cstring>

#include "base/unique_fd.h"
#include "build_paths.h"
#include "e2e/exporter.h"

namespace bpftally {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Replay : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(exporter_.WaitForPort(), 0) << exporter_.process().errors();
    ASSERT_TRUE(Eventually([this] { return exporter_.Get("/-/ready").status == 200; }));
  }

  Exporter exporter_{{"--replay", kFixture}};
};

TEST_F(Replay, ServesExactlyTheGoldenText) {
  const HttpAnswer answer = exporter_.Get("/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(CensusLines(answer.body),
            ReadFile(BPFTALLY_SOURCE_DIR "/tests/fixtures/small_host.metrics"));
  EXPECT_THAT(answer.body, HasSubstr("\nprocess_resident_memory_bytes "));
  EXPECT_THAT(answer.body, HasSubstr("bpftally_collector_success{collector=\"programs\"} 1\n"));
}

TEST_F(Replay, PromtoolHasNothingToSayOfOurs) {
  const std::string promtool = FindProgram("promtool");
  if (promtool.empty()) GTEST_SKIP() << "promtool is not on PATH (Debian package prometheus)";
  const TempDirectory directory;
  WriteFile(directory.Path("metrics"), exporter_.Get("/metrics").body);
  const Finished checked = RunToEnd(
      {"/bin/sh", "-c", promtool + " check metrics <" + directory.Path("metrics") + " 2>&1"});
  EXPECT_EQ(checked.output, "");
  EXPECT_EQ(checked.status, 0);
}

TEST_F(Replay, NegotiatesFormatAndCompression) {
  const HttpAnswer open = exporter_.Get("/metrics", {{"Accept", "application/openmetrics-text"}});
  EXPECT_THAT(open.headers.at("content-type"), StartsWith("application/openmetrics-text"));
  EXPECT_TRUE(open.body.ends_with("# EOF\n"));
  const HttpAnswer packed = exporter_.Get("/metrics", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(packed.headers.at("content-encoding"), "gzip");
  EXPECT_THAT(packed.body, StartsWith("\x1f\x8b"));
  EXPECT_LT(packed.body.size(), open.body.size() / 2);
}

TEST_F(Replay, SelectsCollectors) {
  const HttpAnswer maps = exporter_.Get("/metrics?collect%5B%5D=maps&collect[]=links");
  EXPECT_EQ(maps.status, 200);
  EXPECT_THAT(maps.body, HasSubstr("\nbpf_map_info{"));
  EXPECT_THAT(maps.body, HasSubstr("\nbpf_link_info{"));
  EXPECT_THAT(maps.body, Not(HasSubstr("bpf_program_info")));
  EXPECT_EQ(exporter_.Get("/metrics?collect[]=nonsense").status, 400);
}

TEST_F(Replay, AnswersOnItsOtherPages) {
  EXPECT_EQ(exporter_.Get("/-/healthy").status, 200);
  EXPECT_THAT(exporter_.Get("/").body, HasSubstr("small_host.yaml"));
  EXPECT_EQ(exporter_.Get("/nowhere").status, 404);
}

TEST_F(Replay, EndsWithinFiveSecondsOfSigtermThoughAClientHoldsOn) {
  const UniqueFd silent(Connect(exporter_.port()));
  ASSERT_TRUE(silent);
  exporter_.process().Signal(SIGTERM);
  EXPECT_EQ(exporter_.process().Wait(seconds(30)), 0) << exporter_.process().errors();
}

TEST_F(Replay, EndsOnSigint) {
  exporter_.process().Signal(SIGINT);
  EXPECT_EQ(exporter_.process().Wait(seconds(30)), 0) << exporter_.process().errors();
}

TEST_F(Replay, Fault38NamesAnAddressInUse) {
  const Finished second = RunToEnd(Bpftally({"--replay", kFixture, "--web.listen-address",
                                             "127.0.0.1:" + std::to_string(exporter_.port())}));
  EXPECT_EQ(second.status, 78);
  EXPECT_THAT(second.errors, HasSubstr("127.0.0.1:" + std::to_string(exporter_.port())));
  EXPECT_THAT(second.errors, HasSubstr("another process listens there"));
}

TEST(ReplayFlags, MoveThePathAndLeaveCollectorsOut) {
  Exporter exporter({"--replay", kFixture, "--web.telemetry-path=/m", "--no-collector.maps",
                     "--poll-interval=0", "--log.format=json"});
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const HttpAnswer answer = exporter.Get("/m");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("\nbpf_program_info{"));
  EXPECT_THAT(answer.body, Not(HasSubstr("bpf_map_info")));
  EXPECT_EQ(exporter.Get("/metrics").status, 404);
  EXPECT_THAT(exporter.process().errors(), StartsWith("{\"time\":"));
}

TEST(ReplayService, IsToldOfTheBeginningAndTheEnd) {
  const TempDirectory directory;
  const std::string path = directory.Path("notify");
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  std::string heard;
  const auto hears = [&](const std::string& text) {
    std::array<char, 64> block{};
    const ssize_t got = ::recv(socket.get(), block.data(), block.size(), 0);
    if (got > 0) heard.append(block.data(), static_cast<size_t>(got)).append("\n");
    return heard.find(text) != std::string::npos;
  };

  Exporter exporter({"--replay", kFixture}, {.environment = {{"NOTIFY_SOCKET", path}}});
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  EXPECT_TRUE(Eventually([&] { return hears("READY=1"); }));
  exporter.process().Signal(SIGTERM);
  EXPECT_TRUE(Eventually([&] { return hears("STOPPING=1"); })) << heard;
}

TEST(ReplayCommands, MetricsPrintsWhatRunServes) {
  const Finished text = RunToEnd(Bpftally({"metrics", "--replay", kFixture}));
  EXPECT_EQ(text.status, 0) << text.errors;
  EXPECT_EQ(CensusLines(text.output),
            ReadFile(BPFTALLY_SOURCE_DIR "/tests/fixtures/small_host.metrics"));
  const Finished open =
      RunToEnd(Bpftally({"metrics", "--format=openmetrics", "--replay", kFixture}));
  EXPECT_EQ(open.status, 0);
  EXPECT_TRUE(open.output.ends_with("# EOF\n"));
}

TEST(ReplayCommands, MetricsFailsWhereACollectorFails) {
  const TempDirectory directory;
  std::string yaml = ReadFile(kFixture);
  const std::string whole = "map: {source: iterator, complete: true,";
  const size_t at = yaml.find(whole);
  ASSERT_NE(at, std::string::npos);
  yaml.replace(at, whole.size(), "map: {source: iterator, complete: false,");
  WriteFile(directory.Path("part.yaml"), yaml);
  const Finished part = RunToEnd(Bpftally({"metrics", "--replay", directory.Path("part.yaml")}));
  EXPECT_EQ(part.status, 1);
  EXPECT_THAT(part.output, HasSubstr("bpftally_collector_success{collector=\"maps\"} 0\n"));
  EXPECT_THAT(part.output, HasSubstr("bpftally_collector_success{collector=\"programs\"} 1\n"));
  EXPECT_EQ(RunToEnd(Bpftally({"dump", "--replay", directory.Path("part.yaml")})).status, 1);
}

TEST(ReplayCommands, DumpIsAFixedPoint) {
  const TempDirectory directory;
  const Finished once = RunToEnd(Bpftally({"dump", "--replay", kFixture}));
  EXPECT_EQ(once.status, 0) << once.errors;
  WriteFile(directory.Path("once.yaml"), once.output);
  const Finished twice = RunToEnd(Bpftally({"dump", "--replay", directory.Path("once.yaml")}));
  EXPECT_EQ(twice.output, once.output);
  EXPECT_THAT(once.output, HasSubstr("drop_the_unwanted_packets"));
}

TEST(ReplayCommands, AWrongFileIsAConfigurationErrorWithItsPlace) {
  const TempDirectory directory;
  WriteFile(directory.Path("wrong.yaml"), "programs:\n  - identity: 4\n");
  const Finished wrong = RunToEnd(Bpftally({"--replay", directory.Path("wrong.yaml")}));
  EXPECT_EQ(wrong.status, 78);
  EXPECT_THAT(wrong.errors, HasSubstr("wrong.yaml:2:"));
  for (const std::string path : {"/nonexistent/snapshot.yaml", "/"})
    EXPECT_EQ(RunToEnd(Bpftally({"dump", "--replay", path})).status, 78) << path;
}

TEST(CommandLine, SaysWhatItCanDoAndWhatItIs) {
  const Finished help = RunToEnd(Bpftally({"--help"}));
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.output, HasSubstr("--web.listen-address"));
  const Finished version = RunToEnd(Bpftally({"--version"}));
  EXPECT_EQ(version.status, 0);
  for (const char* part : {"bpftally ", "revision ", "libbpf ", "compiler ", "build "})
    EXPECT_THAT(version.output, HasSubstr(part));
}

TEST(CommandLine, UsageErrorsExitWithTwo) {
  const Finished wrong = RunToEnd(Bpftally({"--soruce=auto"}));
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.errors, HasSubstr("did you mean \"--source\"?"));
  EXPECT_EQ(RunToEnd(Bpftally({"prnt"})).status, 2);
}

}  // namespace
}  // namespace bpftally
