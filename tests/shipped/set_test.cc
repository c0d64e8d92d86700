// The set as a whole, as users call for it.

#include <gmock/gmock.h>

#include <filesystem>
#include <set>
#include <string>

#include "build_paths.h"
#include "daemon/exit_status.h"
#include "shipped/program_under_test.h"

namespace bpftally {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr uid_t kNobody = 65534;

std::set<std::string> AllNames() {
  std::set<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(BPFTALLY_SOURCE_DIR "/bpf/programs")) {
    if (entry.path().extension() == ".yaml") names.insert(entry.path().stem());
  }
  return names;
}

// Those that this kernel refuses harm no other.
TEST_F(Shipped, AllAtOnce) {
  std::string all;
  for (const std::string& name : AllNames()) all += (all.empty() ? "" : ",") + name;
  ProgramUnderTest programs(all);
  ASSERT_TRUE(programs.serves()) << programs.log();
  const auto count = static_cast<double>(AllNames().size());
  EXPECT_EQ(programs.Growth("enabled_configs", {}, 0, count), count);
  for (const char* family : {"run_queue_latency_seconds_count", "syscalls_total",
                             "softirq_service_latency_seconds_count"})
    EXPECT_GT(programs.Growth(family, {}, 0, 1), 0) << family;
}

TEST_F(Shipped, RunsFromAFolderToo) {
  Exporter exporter(
      {"--config.dir=" BPFTALLY_BINARY_DIR "/bpf/programs", "--config.names=execs,timers"});
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const std::string scrape = exporter.Get("/metrics").body;
  EXPECT_THAT(scrape, HasSubstr("ebpf_exporter_enabled_configs{name=\"execs\"} 1"));
  EXPECT_THAT(scrape, HasSubstr("# TYPE ebpf_exporter_timer_starts_total counter"));
}

TEST_F(Shipped, IsListed) {
  const Finished listed = RunToEnd(Bpftally({"programs"}));
  EXPECT_EQ(listed.status, kExitSuccess) << listed.errors;
  for (const std::string& name : AllNames())
    EXPECT_THAT("\n" + listed.output, HasSubstr("\n" + name + "\n    shows: "));
  EXPECT_THAT(listed.output, HasSubstr("hooks: tp_btf/sched_process_exec\n    here:  yes\n"));
}

// The binary and its metric programs where each user can reach them: the build may lie in a home
// that is closed to others, and the umask may be anything.
class OpenToAll {
 public:
  OpenToAll() {
    Copy("src/bpftally");
    for (const std::string& name : AllNames()) {
      Copy("bpf/programs/" + name + ".yaml");
      Copy("bpf/programs/" + name + ".bpf.o");
    }
    for (const char* folder : {"", "src", "bpf", "bpf/programs"}) Open(folder);
  }
  std::string Binary() const { return directory_.Path("src/bpftally"); }

 private:
  void Copy(const std::string& name) const {
    const fs::path to = directory_.Path(name);
    fs::create_directories(to.parent_path());
    fs::copy_file(fs::path(BPFTALLY_BINARY_DIR) / name, to);
    Open(name);
  }
  void Open(const std::string& name) const {
    fs::permissions(directory_.Path(name), fs::perms{0755});
  }

  TempDirectory directory_;
};

TEST_F(Shipped, IsListedWithoutPrivilege) {
  const OpenToAll copy;
  const Finished listed = RunToEnd({copy.Binary(), "programs"}, {.uid = kNobody});
  EXPECT_EQ(listed.status, kExitSuccess) << listed.errors;
  EXPECT_THAT(listed.output, HasSubstr("hooks: tp_btf/sched_process_exec\n    here:  not known: "));
}

TEST_F(Shipped, SaysWhichNameWasMeant) {
  const Finished ended = RunToEnd(Bpftally({"--programs=execs,syscall"}));
  EXPECT_EQ(ended.status, kExitConfig);
  EXPECT_THAT(ended.errors, HasSubstr("there is no program \\\"syscall\\\" (did you mean"));
}

}  // namespace
}  // namespace bpftally
