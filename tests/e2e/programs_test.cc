// Metric programs in the real binary: what stops the start, what does not, and what is served. What
// the metrics themselves must be, tests/golden tells.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "build_paths.h"
#include "e2e/exporter.h"

namespace bpftally {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kExitConfig = 78;

constexpr std::string_view kGood = R"(metrics:
  counters:
    - name: in_percpu_array
      help: Known
      labels:
        - {name: slot, size: 4, decoders: [{name: uint}]}
)";

constexpr std::string_view kBad = R"(metrics:
  counters:
    - name: in_aray
      help: Wrong
      labels:
        - {name: slot, size: 4, decoders: [{name: uint}]}
)";

// An object with one program that the verifier refuses beside one that runs.
constexpr std::string_view kBroken = R"(metrics:
  counters:
    - name: calls
      help: Calls
      labels:
        - {name: place, size: 4, decoders: [{name: uint}]}
)";

class Programs : public testing::Test {
 protected:
  void Put(const std::string& name, const std::string& object, std::string_view yaml) const {
    std::filesystem::copy_file(BPFTALLY_BINARY_DIR "/tests/programs/" + object + ".bpf.o",
                               folder_.Path(name + ".bpf.o"));
    std::ofstream(folder_.Path(name + ".yaml")) << yaml;
  }

  std::vector<std::string> Flags(const std::string& names,
                                 std::initializer_list<std::string> more = {}) const {
    std::vector<std::string> flags = {"--config.dir=" + folder_.Path(""),
                                      "--config.names=" + names};
    flags.insert(flags.end(), more);
    return flags;
  }

  TempDirectory folder_;
};

class ProgramsOnKernel : public Programs {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: nobody lets us load BPF programs";
  }
};

TEST_F(ProgramsOnKernel, AreServedBesideTheCensus) {
  Put("good", "map_kinds", kGood);
  Exporter exporter(Flags("good"));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const std::string body = exporter.Get("/metrics").body;
  EXPECT_THAT(body,
              AllOf(HasSubstr("\nebpf_exporter_in_percpu_array{slot=\"99\"} 0\n"),
                    HasSubstr("\n# TYPE ebpf_exporter_in_percpu_array counter\n"),
                    HasSubstr("\nbpf_program_info{"),
                    HasSubstr("\nbpftally_collector_success{collector=\"metric-programs\"} 1"),
                    HasSubstr("\nebpf_exporter_enabled_configs{name=\"good\"} 1\n")));
  const std::string chosen = exporter.Get("/metrics?collect[]=metric-programs").body;
  EXPECT_THAT(chosen, AllOf(HasSubstr("\nebpf_exporter_in_percpu_array{"),
                            Not(HasSubstr("\nbpf_program_info{"))));
  EXPECT_EQ(exporter.Get("/maps").status, 404);  // raw memory: never without being asked for
}

TEST_F(ProgramsOnKernel, Fault30RunWithoutCapabilitiesOnceTheyAreAttached) {
  Put("good", "map_kinds", kGood);
  Exporter exporter(Flags("good", {"--capabilities.keep=none", "--debug"}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  EXPECT_THAT(exporter.Get("/metrics").body,
              HasSubstr("\nebpf_exporter_in_percpu_array{slot=\"99\"} 0\n"));
  const HttpAnswer maps = exporter.Get("/maps");
  EXPECT_EQ(maps.status, 200);
  EXPECT_THAT(maps.body,
              AllOf(HasSubstr("## good\n"), HasSubstr("# in_array (id "),
                    HasSubstr("\n0f000000 0000000000000000\n"), HasSubstr("\n# and 9000 more\n")));
  std::ifstream status("/proc/" + std::to_string(exporter.process().pid()) + "/status");
  const std::string text{std::istreambuf_iterator<char>(status), {}};
  EXPECT_THAT(text, AllOf(HasSubstr("CapEff:\t0000000000000000"), HasSubstr("NoNewPrivs:\t1")));
}

TEST_F(ProgramsOnKernel, AllMistakesAreReportedBeforeTheStartIsGivenUp) {
  Put("good", "map_kinds", kGood);
  Put("bad", "map_kinds", kBad);
  Put("worse", "map_kinds", "metrics: [");
  const Finished run = RunToEnd(Bpftally(Flags("good,bad,worse")));
  EXPECT_EQ(run.status, kExitConfig);
  EXPECT_THAT(run.errors, AllOf(HasSubstr("bad.yaml:3:7: "), HasSubstr("in_array"),
                                HasSubstr("worse.yaml:1:"), Not(HasSubstr("\\u000a"))));
}

TEST_F(ProgramsOnKernel, Fault26WhatTheKernelRefusesHarmsNothingElse) {
  Put("good", "map_kinds", kGood);
  Put("broken", "load_broken", kBroken);
  Exporter exporter(Flags("broken,good"));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const std::string body = exporter.Get("/metrics").body;
  EXPECT_THAT(body, HasSubstr("\nebpf_exporter_in_percpu_array{slot=\"99\"} 0\n"));
  EXPECT_THAT(body, testing::ContainsRegex(
                        "\nbpftally_program_attached\\{config=\"broken\",[^\n]*\\} 0\n"));
  EXPECT_THAT(body, HasSubstr("\nbpftally_program_config_success{config=\"good\"} 1\n"));
  EXPECT_THAT(exporter.process().errors(), HasSubstr("level=error msg=\"broken: "));
}

TEST_F(ProgramsOnKernel, OfAnObjectOfWhichNothingRunsEachRefusalIsSaid) {
  Put("refused", "load_refused", kBroken);
  Exporter exporter(Flags("refused"));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  constexpr std::string_view kAttached =
      "\nbpftally_program_attached{{config=\"refused\",program=\"{}\","
      "section=\"raw_tp/sys_enter\"}} 0\n";
  const std::string body = exporter.Get("/metrics").body;
  const std::string errors = exporter.process().errors();
  EXPECT_THAT(body, HasSubstr("\nbpftally_program_config_success{config=\"refused\"} 0\n"));
  EXPECT_THAT(body, Not(HasSubstr("\nebpf_exporter_calls")));
  for (const char* program : {"long_way_to_nowhere", "without_answer"}) {
    EXPECT_THAT(body, HasSubstr(fmt::format(kAttached, program)));
    EXPECT_THAT(errors, HasSubstr(fmt::format("level=error msg=\"refused: cannot load program {} ",
                                              program)));
  }
  EXPECT_THAT(errors, HasSubstr("msg=\"refused: nothing of it runs"));
}

TEST_F(ProgramsOnKernel, StrictEndsTheStart) {
  Put("broken", "load_broken", kBroken);
  const Finished strict = RunToEnd(Bpftally(Flags("broken", {"--config.strict"})));
  EXPECT_GT(strict.status, 0);
  EXPECT_THAT(strict.errors, HasSubstr("--config.strict demands"));
}

TEST_F(ProgramsOnKernel, CheckLoadsAttachesAndEnds) {
  Put("good", "map_kinds", kGood);
  Put("broken", "load_broken", kBroken);
  EXPECT_EQ(RunToEnd(Bpftally(Flags("good", {"--config.check"}))).status, 0);
  EXPECT_EQ(RunToEnd(Bpftally(Flags("broken", {"--config.check"}))).status, 0);
  Put("refused", "load_refused", kBroken);
  EXPECT_EQ(RunToEnd(Bpftally(Flags("good,refused", {"--config.check"}))).status, 1);
  EXPECT_GT(RunToEnd(Bpftally(Flags("broken", {"--config.check", "--config.strict"}))).status, 0);
  EXPECT_EQ(RunToEnd(Bpftally({"check", "--load", folder_.Path("good.yaml")})).status, 0);
  const Finished refused = RunToEnd(Bpftally({"check", "--load", folder_.Path("broken.yaml")}));
  EXPECT_EQ(refused.status, kExitConfig);
  EXPECT_THAT(refused.output, HasSubstr("broken.yaml"));
}

TEST_F(Programs, CheckNeedsNoPrivilege) {
  Put("good", "map_kinds", kGood);
  Put("bad", "map_kinds", kBad);
  const Finished good = RunToEnd(Bpftally({"check", folder_.Path("good.yaml")}));
  EXPECT_EQ(good.status, 0) << good.output;
  EXPECT_THAT(good.output, HasSubstr("1 metric, 9 maps, 1 program"));
  const Finished both =
      RunToEnd(Bpftally({"check", "--json", folder_.Path("good.yaml"), folder_.Path("bad.yaml")}));
  EXPECT_EQ(both.status, kExitConfig);
  EXPECT_THAT(both.output, AllOf(HasSubstr("\"ok\": false"), HasSubstr("\"line\": 3")));
}

}  // namespace
}  // namespace bpftally
