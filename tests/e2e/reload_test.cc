// SIGHUP to the real binary: what it keeps, what it replaces, and what it says where the new
// configuration is wrong.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>

#include "base/unique_fd.h"
#include "build_paths.h"
#include "e2e/exporter.h"

namespace bpftally {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

// Of the constants that tests/programs/load_addresses.bpf.c shows.
std::string Yaml(std::string_view metric, std::string_view decoders = "{name: uint}") {
  return fmt::format(R"(metrics:
  counters:
    - name: {}
      help: Known
      labels:
        - {{name: place, size: 4, decoders: [{}]}}
)",
                     metric, decoders);
}

constexpr std::string_view kNamed = "{name: uint}, {name: static_map, static_map: {0: first}}";

size_t CountOf(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

class Reload : public testing::Test {
 protected:
  void Put(const std::string& name, const std::string& object, std::string_view yaml) const {
    std::filesystem::copy_file(BPFTALLY_BINARY_DIR "/tests/programs/" + object + ".bpf.o",
                               folder_.Path(name + ".bpf.o"),
                               std::filesystem::copy_options::overwrite_existing);
    std::ofstream(folder_.Path(name + ".yaml")) << yaml;
  }

  // Tells it to reload and waits until it has.
  static void Tell(Exporter& exporter) {
    const auto reloads = [&] { return CountOf(exporter.process().errors(), "reloaded: "); };
    const size_t before = reloads();
    exporter.process().Signal(SIGHUP);
    EXPECT_TRUE(Eventually([&] { return reloads() > before; }, std::chrono::seconds(60)))
        << exporter.process().errors();
  }

  static std::string Metrics(const Exporter& exporter) { return exporter.Get("/metrics").body; }

  // The kernel's id of the program that a configuration has; empty where it has none.
  static std::string ProgramId(const std::string& metrics, const std::string& name) {
    std::smatch found;
    const std::regex line("ebpf_exporter_ebpf_program_info\\{config=\"" + name +
                          "\",id=\"(\\d+)\"");
    return std::regex_search(metrics, found, line) ? found[1].str() : "";
  }

  TempDirectory folder_;
};

class ReloadOnKernel : public Reload {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: nobody lets us load BPF programs";
    Put("a", "load_addresses", Yaml("constants"));
    Put("b", "map_kinds", Yaml("in_percpu_array"));
  }

  std::vector<std::string> Flags(std::initializer_list<std::string> more = {}) const {
    std::vector<std::string> flags = {"--config.dir=" + folder_.Path("")};
    flags.insert(flags.end(), more);
    return flags;
  }
};

TEST_F(ReloadOnKernel, WhereOnlyDecodingChangedTheProgramAndItsMapsStay) {
  Exporter exporter(Flags({"--debug"}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const std::string before = Metrics(exporter);
  EXPECT_THAT(before, HasSubstr("\nebpf_exporter_constants{place=\"0\"} 7\n"));
  std::smatch map;
  const std::string maps = exporter.Get("/maps").body;
  ASSERT_TRUE(std::regex_search(maps, map, std::regex("# constants \\(id \\d+")));

  Put("a", "load_addresses", Yaml("constants", kNamed));
  Tell(exporter);
  const std::string after = Metrics(exporter);
  EXPECT_THAT(after, AllOf(HasSubstr("\nebpf_exporter_constants{place=\"first\"} 7\n"),
                           HasSubstr("\nbpftally_config_last_reload_successful 1\n")));
  EXPECT_NE(ProgramId(before, "a"), "");
  EXPECT_EQ(ProgramId(after, "a"), ProgramId(before, "a"));
  EXPECT_EQ(ProgramId(after, "b"), ProgramId(before, "b"));
  EXPECT_THAT(exporter.Get("/maps").body, HasSubstr(map[0].str()));
  EXPECT_THAT(exporter.process().errors(), HasSubstr("read in another way a; as before b"));
}

TEST_F(ReloadOnKernel, AChangedObjectIsReplacedAndTheOthersStay) {
  Exporter exporter(Flags());
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const std::string before = Metrics(exporter);
  Put("a", "map_kinds", Yaml("in_array"));
  Tell(exporter);
  const std::string after = Metrics(exporter);
  EXPECT_THAT(after, AllOf(HasSubstr("\nebpf_exporter_in_array{"),
                           Not(HasSubstr("\nebpf_exporter_constants{")),
                           HasSubstr("\nebpf_exporter_in_percpu_array{")));
  EXPECT_NE(ProgramId(after, "a"), ProgramId(before, "a"));
  EXPECT_EQ(ProgramId(after, "b"), ProgramId(before, "b"));
  EXPECT_TRUE(Eventually([&] {
    return !Metrics(exporter).contains("bpf_program_info{id=\"" + ProgramId(before, "a") + "\"");
  })) << "the old one is out of the kernel";
  EXPECT_THAT(after, ContainsRegex("\nbpf_program_info\\{id=\"" + ProgramId(after, "a") +
                                   "\"[^\n]*self=\"true\""));
}

TEST_F(ReloadOnKernel, Fault25ABrokenConfigurationKeepsWhatRuns) {
  Exporter exporter(Flags());
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const std::string before = Metrics(exporter);
  EXPECT_THAT(before, HasSubstr("\nbpftally_config_last_reload_successful 1\n"));

  Put("a", "load_addresses", Yaml("constants", kNamed));  // right, but not alone
  Put("b", "map_kinds", "metrics: [");
  Tell(exporter);
  const std::string broken = Metrics(exporter);
  EXPECT_THAT(broken, AllOf(HasSubstr("\nebpf_exporter_constants{place=\"0\"} 7\n"),
                            HasSubstr("\nebpf_exporter_in_percpu_array{"),
                            HasSubstr("\nbpftally_config_last_reload_successful 0\n")));
  EXPECT_EQ(ProgramId(broken, "b"), ProgramId(before, "b"));
  EXPECT_THAT(exporter.process().errors(),
              AllOf(HasSubstr("b.yaml:1:"), HasSubstr("not reloaded: ")));

  Put("b", "map_kinds", Yaml("in_percpu_array"));
  Tell(exporter);
  EXPECT_THAT(Metrics(exporter), AllOf(HasSubstr("\nebpf_exporter_constants{place=\"first\"} 7\n"),
                                       HasSubstr("\nbpftally_config_last_reload_successful 1\n")));
}

TEST_F(ReloadOnKernel, Fault25WhatTheKernelRefusesFailsAStrictReload) {
  Exporter exporter(Flags({"--config.strict"}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  Put("b", "load_broken", Yaml("calls"));
  Tell(exporter);
  EXPECT_THAT(Metrics(exporter), AllOf(HasSubstr("\nebpf_exporter_in_percpu_array{"),
                                       HasSubstr("\nbpftally_config_last_reload_successful 0\n")));
  EXPECT_THAT(exporter.process().errors(), HasSubstr("--config.strict demands"));
}

TEST_F(ReloadOnKernel, APostReloadsAndAnswersWhatIsWrong) {
  Exporter exporter(Flags({"--web.enable-lifecycle"}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const std::string before = Metrics(exporter);
  Put("a", "load_addresses", Yaml("constants", kNamed));
  EXPECT_EQ(exporter.Post("/-/reload").status, 200);
  // What the answer promises is there already.
  const std::string after = Metrics(exporter);
  EXPECT_THAT(after, HasSubstr("\nebpf_exporter_constants{place=\"first\"} 7\n"));
  EXPECT_EQ(ProgramId(after, "a"), ProgramId(before, "a"));

  Put("a", "load_addresses", "metrics: [");
  const HttpAnswer refused = exporter.Post("/-/reload");
  EXPECT_EQ(refused.status, 500);
  EXPECT_THAT(refused.body, HasSubstr("a.yaml:1:"));
  EXPECT_THAT(exporter.Get("/").body, HasSubstr("a.yaml:1:"));
  EXPECT_THAT(Metrics(exporter), HasSubstr("\nebpf_exporter_constants{place=\"first\"} 7\n"));
}

TEST_F(Reload, APostIsForbiddenWithoutTheFlag) {
  Exporter exporter({"--replay=" + kFixture});
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const HttpAnswer refused = exporter.Post("/-/reload");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("--web.enable-lifecycle"));
  EXPECT_EQ(exporter.Get("/-/reload").status, 405);
}

TEST_F(ReloadOnKernel, FilesOfTheFolderComeAndGo) {
  Exporter exporter(Flags());
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  Put("c", "load_addresses", Yaml("constants"));
  std::filesystem::remove(folder_.Path("b.yaml"));
  Tell(exporter);
  const std::string after = Metrics(exporter);
  EXPECT_THAT(after, AllOf(HasSubstr("\nebpf_exporter_enabled_configs{name=\"a\"} 1\n"),
                           HasSubstr("\nebpf_exporter_enabled_configs{name=\"c\"} 1\n"),
                           Not(HasSubstr("\nebpf_exporter_enabled_configs{name=\"b\"}")),
                           Not(HasSubstr("\nebpf_exporter_in_percpu_array{"))));
  EXPECT_THAT(exporter.process().errors(), HasSubstr("added c; removed b; as before a"));
}

TEST_F(ReloadOnKernel, WithoutCapabilitiesDecodingChangesLoadingFails) {
  Exporter exporter(Flags({"--capabilities.keep=none"}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  Put("a", "load_addresses", Yaml("constants", kNamed));
  Tell(exporter);
  EXPECT_THAT(Metrics(exporter), HasSubstr("\nebpf_exporter_constants{place=\"first\"} 7\n"));
  Put("b", "load_addresses", Yaml("constants", kNamed));
  Tell(exporter);
  EXPECT_THAT(Metrics(exporter), AllOf(HasSubstr("\nebpf_exporter_in_percpu_array{"),
                                       HasSubstr("\nbpftally_config_last_reload_successful 0\n")));
  EXPECT_THAT(exporter.process().errors(), HasSubstr("restart it to load what is new"));
}

TEST_F(Reload, WithoutMetricProgramsSucceedsAndNotifiesTheManager) {
  const std::string path = folder_.Path("notify");
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);

  Exporter exporter({"--replay=" + kFixture}, {.environment = {{"NOTIFY_SOCKET", path}}});
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  Tell(exporter);
  EXPECT_THAT(Metrics(exporter),
              AllOf(HasSubstr("\nbpftally_config_last_reload_successful 1\n"),
                    HasSubstr("\nbpftally_config_last_reload_success_timestamp_seconds ")));
  std::string told;
  EXPECT_TRUE(Eventually([&] {
    std::array<char, 256> message{};
    ssize_t got = 0;
    while ((got = ::recv(socket.get(), message.data(), message.size(), 0)) > 0)
      told += std::string(message.data(), static_cast<size_t>(got)) + "|";
    return CountOf(told, "READY=1") == 2;
  })) << told;
  EXPECT_THAT(told, ContainsRegex("^READY=1\\|RELOADING=1\nMONOTONIC_USEC=[0-9]+\\|READY=1\\|$"));
}

}  // namespace
}  // namespace bpftally
