// The real binary with names that nobody expects, and with nobody who reads its log.

#include <bpf/bpf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/perf_event.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/unique_fd.h"
#include "export/prometheus/exposition_parser.h"
#include "faults/served.h"
#include "population/kernel_abilities.h"
#include "population/plain_objects.h"

namespace bpftally {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Output : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: the kernel shows no BPF object to us";
  }
};

// Names of files may have any byte but two.
const std::string kHostileName = "a \"quote\" \\ and\na line} 1\xFF\xC3";
// As it must stand in a label.
const std::string kShownName = "a \\\"quote\\\" \\\\ and\\na line} 1\uFFFD\uFFFD";

// A probe at the start of a file's text, which nobody runs.
UniqueFd ProbeOf(const std::string& path, int program) {
  perf_event_attr attr{};
  attr.size = sizeof(attr);
  std::ifstream("/sys/bus/event_source/devices/uprobe/type") >> attr.type;
  attr.config1 = reinterpret_cast<uint64_t>(path.c_str());
  attr.config2 = 0x1000;
  const UniqueFd event(
      static_cast<int>(syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!event) return {};
  return UniqueFd(bpf_link_create(program, event.get(), BPF_PERF_EVENT, nullptr));
}

TEST_F(Output, Fault35FileNamesAreEscapedAndNonTextIsReplaced) {
  if (!KernelHasFunction("bpf_perf_link_fill_link_info"))
    GTEST_SKIP() << "this kernel does not tell the file of a probe: 6.6 does";
  const TempDirectory folder;
  const std::string path = folder.Path(kHostileName);
  fs::copy_file("/bin/true", path);
  const UniqueFd program = PlainProgram(BPF_PROG_TYPE_KPROBE);
  const UniqueFd link = ProbeOf(path, program.get());
  ASSERT_TRUE(link) << std::strerror(errno);
  const Finished metrics = RunToEnd(Bpftally({"metrics"}));
  EXPECT_EQ(metrics.status, 0) << metrics.errors;
  EXPECT_THAT(metrics.output, HasSubstr(kShownName));
  const auto parsed = ParseExposition(metrics.output, TextFormat::kPrometheus004);
  EXPECT_TRUE(parsed) << parsed.error();
}

TEST_F(Output, Fault37ADiskWithoutRoomForTheLogHoldsNothingUp) {
  Served exporter({"/bin/sh", "-c", "exec \"$@\" 2>/dev/full", "sh"}, {"--log.level=debug"});
  ASSERT_TRUE(exporter.WaitUntilUp());
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Succeeds(exporter.Metrics(), "programs"));
}

// A pipe that the log goes into, whose both ends are ours.
class LogPipe {
 public:
  LogPipe() {
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
    ends_ = UniqueFd(open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  }

  void Fill() const {
    const std::string block(4096, 'x');
    while (write(ends_.get(), block.data(), block.size()) > 0) continue;
    EXPECT_EQ(errno, EAGAIN);
  }
  void StopReading() { ends_ = UniqueFd(); }

  // Everything that a Served logs goes there.
  std::vector<std::string> Through() const {
    return {"/bin/sh", "-c", "exec \"$@\" 2>" + path_, "sh"};
  }

 private:
  TempDirectory folder_;
  std::string path_ = folder_.Path("log");
  UniqueFd ends_;
};

TEST_F(Output, Fault37AFullPipeOfTheLogHoldsNothingUp) {
  const LogPipe pipe;
  pipe.Fill();
  Served exporter(pipe.Through(), {"--log.level=debug"});
  ASSERT_TRUE(exporter.WaitUntilUp());
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Succeeds(exporter.Metrics(), "programs"));
  exporter.process().Signal(SIGTERM);
  EXPECT_EQ(exporter.process().Wait(std::chrono::seconds(30)), 0);
}

TEST_F(Output, Fault37ALogWhoseReaderDiedEndsNothing) {
  LogPipe pipe;
  Served exporter(pipe.Through(), {"--log.level=debug"});
  ASSERT_TRUE(exporter.WaitUntilUp());
  pipe.StopReading();
  exporter.process().Signal(SIGPIPE);  // as where the reader dies between our look and our write
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Succeeds(exporter.Metrics(), "programs"));
  exporter.process().Signal(SIGTERM);
  EXPECT_EQ(exporter.process().Wait(std::chrono::seconds(30)), 0);
}

}  // namespace
}  // namespace bpftally
