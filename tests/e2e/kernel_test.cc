// The real binary on the real kernel.

#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <regex>

#include "base/unique_fd.h"
#include "e2e/exporter.h"

namespace bpftally {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class Kernel : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: the kernel shows no BPF object to us";
  }
};

// The ids of the exporter's own programs, as it says itself.
std::vector<uint32_t> OwnPrograms(const std::string& exposition) {
  static const std::regex kOwn("bpf_program_info\\{id=\"([0-9]+)\"[^\n]*self=\"true\"");
  std::vector<uint32_t> ids;
  for (std::sregex_iterator match(exposition.begin(), exposition.end(), kOwn), end; match != end;
       ++match)
    ids.push_back(static_cast<uint32_t>(std::stoul((*match)[1])));
  return ids;
}

bool ProgramExists(uint32_t id) {
  const UniqueFd fd(bpf_prog_get_fd_by_id(id));
  return fd || errno != ENOENT;
}

TEST_F(Kernel, IsServedAndLeftAsItWas) {
  Exporter exporter({});
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const HttpAnswer answer = exporter.Get("/metrics");
  ASSERT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body,
              testing::Not(HasSubstr("bpftally_collector_success{collector=\"programs\"} 0")));
  const std::vector<uint32_t> own = OwnPrograms(answer.body);
  ASSERT_THAT(own, testing::Not(testing::IsEmpty())) << "the iterator source loads programs";
  for (const uint32_t id : own) EXPECT_TRUE(ProgramExists(id)) << id;

  exporter.process().Signal(SIGTERM);
  EXPECT_EQ(exporter.process().Wait(seconds(30)), 0) << exporter.process().errors();
  // The kernel frees programs a moment after their last descriptor.
  for (const uint32_t id : own) EXPECT_TRUE(Eventually([&] { return !ProgramExists(id); })) << id;
}

TEST_F(Kernel, TellsFromWhichSourceItWent) {
  for (const std::string source : {"iterator", "syscall"}) {
    Exporter exporter({"--source", source});
    ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
    ASSERT_EQ(exporter.Get("/metrics").status, 200);
    EXPECT_THAT(exporter.Get("/").body, HasSubstr("<td>" + source + "</td>"));
    EXPECT_TRUE(Eventually([&] {
      return exporter.process().errors().find("found, source " + source) != std::string::npos;
    })) << exporter.process().errors();
  }
}

TEST_F(Kernel, MetricsSucceedsAndPromtoolHasNothingToSay) {
  const TempDirectory directory;
  const Finished metrics = RunToEnd(Bpftally({"metrics"}));
  EXPECT_EQ(metrics.status, 0) << metrics.errors;
  EXPECT_THAT(metrics.output, HasSubstr("\nbpf_programs{type="));
  const std::string promtool = FindProgram("promtool");
  if (promtool.empty()) GTEST_SKIP() << "promtool is not on PATH (Debian package prometheus)";
  WriteFile(directory.Path("metrics"), metrics.output);
  const Finished checked = RunToEnd(
      {"/bin/sh", "-c", promtool + " check metrics <" + directory.Path("metrics") + " 2>&1"});
  EXPECT_EQ(checked.output, "");
  EXPECT_EQ(checked.status, 0);
}

// The census of programs, maps and links that are not the exporter's own.
std::string ForeignObjects(const std::string& exposition) {
  std::string lines;
  std::istringstream text(CensusLines(exposition));
  for (std::string line; std::getline(text, line);) {
    for (const char* start : {"bpf_program_", "bpf_map_", "bpf_link_"}) {
      if (line.starts_with(start)) lines += line + "\n";
    }
  }
  return lines;
}

TEST_F(Kernel, ADumpReplaysToTheSameSeries) {
  const TempDirectory directory;
  std::string live;
  std::string replayed;
  // Others may load programs in between on a busy host: then it is seen at another try.
  const bool same = Eventually([&] {
    live = ForeignObjects(RunToEnd(Bpftally({"metrics", "--hide-self"})).output);
    const Finished dump = RunToEnd(Bpftally({"dump"}));
    EXPECT_EQ(dump.status, 0) << dump.errors;
    WriteFile(directory.Path("dump.yaml"), dump.output);
    replayed = ForeignObjects(
        RunToEnd(Bpftally({"metrics", "--hide-self", "--replay", directory.Path("dump.yaml")}))
            .output);
    return live == replayed;
  });
  EXPECT_TRUE(same) << "live:\n" << live << "replayed:\n" << replayed;
}

TEST_F(Kernel, Fault30WithoutPrivilegesItSaysWhatIsMissing) {
  constexpr uid_t kNobody = 65534;
  // A place where nobody can read it.
  const std::string copy = testing::TempDir() + "bpftally." + std::to_string(getpid());
  std::filesystem::copy_file(kBpftally, copy, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::permissions(copy, std::filesystem::perms(0755));
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{copy}, {copy, "metrics"}, {copy, "dump"}}) {
    const Finished denied = RunToEnd(command, {.uid = kNobody});
    EXPECT_EQ(denied.status, 77) << denied.errors;
    EXPECT_THAT(denied.errors, HasSubstr("CAP_"));
    EXPECT_THAT(denied.errors, HasSubstr("sudo"));
  }
  std::filesystem::remove(copy);
}

TEST_F(Kernel, ARealPrometheusScrapesItAndAnswersQueries) {
  const std::string prometheus = FindProgram("prometheus");
  if (prometheus.empty()) GTEST_SKIP() << "prometheus is not on PATH (Debian package prometheus)";
  Exporter exporter({});
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();

  const TempDirectory directory;
  WriteFile(directory.Path("prometheus.yml"),
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            "  - job_name: bpftally\n"
            "    static_configs: [{targets: ['127.0.0.1:" +
                std::to_string(exporter.port()) + "']}]\n");
  const int port = FreePort();
  Process server({prometheus, "--config.file=" + directory.Path("prometheus.yml"),
                  "--storage.tsdb.path=" + directory.Path("data"),
                  "--web.listen-address=127.0.0.1:" + std::to_string(port)});

  const auto query = [&](const std::string& expression) {
    return HttpGet(port, "/api/v1/query?query=" + expression).body;
  };
  const auto is_one = [](const std::string& body) {
    return body.find(",\"1\"]") != std::string::npos;
  };
  // Every target's verdict, our own census, and that two scrapes give one series.
  EXPECT_TRUE(Eventually([&] { return is_one(query("up")); }, seconds(30))) << server.errors();
  EXPECT_TRUE(Eventually([&] { return is_one(query("min(bpftally_collector_success)")); }));
  EXPECT_TRUE(Eventually([&] { return is_one(query("sum(bpf_programs)>bool+0")); }));
  EXPECT_TRUE(Eventually(
      [&] { return is_one(query("min(count_over_time(bpftally_build_info%5B1m%5D))>bool+1")); }));
  const std::string own = query("bpf_program_info%7Bself=%22true%22%7D");
  EXPECT_THAT(own, HasSubstr("\"name\":\"census_programs\""));
  EXPECT_THAT(own, HasSubstr("\"type\":\"tracing\""));
}

}  // namespace
}  // namespace bpftally
