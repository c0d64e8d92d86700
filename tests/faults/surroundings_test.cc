// The real binary where the host hides, refuses or changes what it relies on.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "base/unique_fd.h"
#include "faults/served.h"

namespace bpftally {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kExitPermission = 77;
constexpr const char* kRunStatsSwitch = "/proc/sys/kernel/bpf_stats_enabled";

class Surroundings : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: the kernel shows no BPF object to us";
  }
};

// A pipe by name, which whoever opens it to read waits for.
class SlowFile {
 public:
  SlowFile() { mkfifo(path().c_str(), 0600); }
  std::string path() const { return folder_.Path("slow"); }

  // Answers everybody who waits or comes, as long as the result lives.
  std::jthread Answer(const std::string& text) const {
    return std::jthread([path = path(), text](const std::stop_token& stop) {
      // Who had an answer may close while the next is written: EPIPE, and no signal.
      sigset_t broken_pipe;
      sigemptyset(&broken_pipe);
      sigaddset(&broken_pipe, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
      while (!stop.stop_requested()) {
        // Not there (ENXIO) until somebody reads.
        const UniqueFd fd(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
        if (fd) (void)!write(fd.get(), text.data(), text.size());
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
    });
  }

 private:
  TempDirectory folder_;
};

TEST_F(Surroundings, Fault18AHangingFileEndsTheScrapeInTimeAndRecovers) {
  const SlowFile slow;
  Served exporter(OwnMounts("mount --bind " + slow.path() + " " + kRunStatsSwitch));
  ASSERT_TRUE(exporter.WaitUntilUp()) << exporter.process().errors();
  const auto began = std::chrono::steady_clock::now();
  const HttpAnswer late = exporter.Get("/metrics", {{"X-Prometheus-Scrape-Timeout-Seconds", "1"}});
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(20));
  EXPECT_EQ(late.status, 200);
  EXPECT_TRUE(Fails(late.body, "programs")) << late.body;
  EXPECT_EQ(exporter.Get("/-/healthy").status, 200);
  {
    const std::jthread answering = slow.Answer("0\n");
    EXPECT_TRUE(Eventually([&] { return Succeeds(exporter.Metrics(), "programs"); }));
  }
  exporter.process().Signal(SIGTERM);
  EXPECT_TRUE(exporter.process().Wait(seconds(30)));
}

// At the address of the only name server that an exporter knows; hears its questions, and says
// nothing.
class SilentNameServer {
 public:
  static bool CanBeAsked() { return std::filesystem::exists("/etc/resolv.conf"); }

  SilentNameServer() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(53);
    inet_pton(AF_INET, kAddress, &address.sin_addr);
    listens_ = bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    WriteFile(folder_.Path("resolv.conf"), std::string("nameserver ") + kAddress + "\n");
    WriteFile(folder_.Path("nsswitch.conf"), "hosts: files dns\n");
  }
  bool listens() const { return listens_; }
  bool WasAsked() const {
    char byte = 0;
    return recv(fd_.get(), &byte, 1, 0) >= 0;
  }
  std::vector<std::string> Through() const {
    std::string script = "export OTEL_EXPORTER_OTLP_TIMEOUT=500";
    for (const std::string name : {"resolv.conf", "nsswitch.conf"}) {
      if (std::filesystem::exists("/etc/" + name))
        script += " && mount --bind " + folder_.Path(name) + " /etc/" + name;
    }
    return OwnMounts(script);
  }

 private:
  static constexpr const char* kAddress = "127.53.53.53";

  TempDirectory folder_;
  UniqueFd fd_;
  bool listens_ = false;
};

TEST_F(Surroundings, Fault21ANameServerThatSaysNothingHoldsNoEndUp) {
  if (!SilentNameServer::CanBeAsked()) GTEST_SKIP() << "no /etc/resolv.conf here";
  const SilentNameServer silent;
  if (!silent.listens()) GTEST_SKIP() << "port 53: " << std::strerror(errno);
  Served exporter(silent.Through(), {"--otlp-http=http://receiver.invalid"});
  ASSERT_TRUE(Eventually([&] { return silent.WasAsked(); })) << exporter.process().errors();
  exporter.process().Signal(SIGTERM);
  EXPECT_EQ(exporter.process().Wait(seconds(30)), 0);
  EXPECT_THAT(exporter.process().errors(), Not(HasSubstr("does not return")));
}

TEST_F(Surroundings, Fault24SigtermEndsAStartThatHangs) {
  const SlowFile slow;
  Process process({kBpftally, "--replay=" + slow.path()});
  EXPECT_TRUE(Eventually([&] { return process.errors().find("revision") != std::string::npos; }));
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(seconds(30)), 0);
}

TEST_F(Surroundings, Fault28WithoutBtfTheWalkByIdGoesOn) {
  std::vector<std::string> command = OwnMounts("mount -t tmpfs none /sys/kernel/btf");
  command.insert(command.end(), {kBpftally, "metrics"});
  const Finished metrics = RunToEnd(command);
  EXPECT_EQ(metrics.status, 0) << metrics.errors;
  for (const char* collector : {"programs", "maps", "links", "btf"})
    EXPECT_TRUE(Succeeds(metrics.output, collector)) << collector;
  EXPECT_THAT(
      metrics.output,
      AllOf(HasSubstr("\nbpftally_feature_available{feature=\"program\",source=\"iterator\"} 0"),
            HasSubstr("\nbpftally_feature_available{feature=\"program\",source=\"syscall\"} 1")));
}

TEST_F(Surroundings, Fault28WithoutBtfIteratorsAloneNameTheMissingFile) {
  std::vector<std::string> command = OwnMounts("mount -t tmpfs none /sys/kernel/btf");
  command.insert(command.end(), {kBpftally, "metrics", "--source=iterator"});
  const Finished metrics = RunToEnd(command);
  EXPECT_NE(metrics.status, 0);
  EXPECT_THAT(metrics.errors, HasSubstr("/sys/kernel/btf/vmlinux"));
  EXPECT_EQ(CountOf(metrics.errors, "level=error"), 1U) << metrics.errors;
}

// A copy that everybody may run.
class PublicCopy {
 public:
  PublicCopy() {
    std::filesystem::copy_file(kBpftally, path_, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~PublicCopy() { std::filesystem::remove(path_); }
  PublicCopy(const PublicCopy&) = delete;
  PublicCopy& operator=(const PublicCopy&) = delete;

  // As nobody, with these capabilities alone.
  Finished MetricsWith(const std::string& capabilities) const {
    return RunToEnd({"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                     "--inh-caps=" + capabilities, "--ambient-caps=" + capabilities, path_,
                     "metrics"});
  }

 private:
  std::string path_ = testing::TempDir() + "bpftally-faults." + std::to_string(getpid());
};

TEST_F(Surroundings, Fault30BpfAndPerfmonAreEnoughForIterators) {
  const PublicCopy copy;
  const Finished metrics = copy.MetricsWith("+bpf,+perfmon");
  for (const char* collector : {"programs", "maps", "links"})
    EXPECT_TRUE(Succeeds(metrics.output, collector)) << collector << "\n" << metrics.errors;
  EXPECT_TRUE(Fails(metrics.output, "btf"));  // which only the system call lists
  EXPECT_THAT(metrics.errors, HasSubstr("CAP_SYS_ADMIN"));
}

TEST_F(Surroundings, Fault30BpfAloneIsRefusedAndTheOtherIsNamed) {
  const PublicCopy copy;
  for (const char* capabilities : {"+bpf", "-all"}) {
    const Finished metrics = copy.MetricsWith(capabilities);
    EXPECT_EQ(metrics.status, kExitPermission) << capabilities << metrics.errors;
    EXPECT_THAT(metrics.errors, HasSubstr("CAP_PERFMON"));
  }
}

// Root of a user namespace, as in a rootless container, has every capability, and none that counts.
TEST_F(Surroundings, Fault30RootOfAUserNamespaceIsSaidNotToCount) {
  const std::vector<std::string> inside = {"/usr/bin/unshare", "--user", "--map-root-user"};
  std::vector<std::string> probe = inside;
  probe.emplace_back("/bin/true");
  if (RunToEnd(probe).status != 0) GTEST_SKIP() << "no user namespaces here";
  for (const std::string flag : {"--source=auto", "--source=iterator", "--source=syscall"}) {
    std::vector<std::string> command = inside;
    command.insert(command.end(), {kBpftally, "metrics", flag});
    const Finished metrics = RunToEnd(command);
    EXPECT_EQ(metrics.status, kExitPermission) << flag << metrics.errors;
    EXPECT_THAT(metrics.errors, AllOf(HasSubstr("of the host"), HasSubstr("user namespace"),
                                      Not(HasSubstr("sudo"))))
        << flag;
  }
}

// From now on this thread, and what it starts, is answered EPERM by bpf(2).
bool DenyBpf() {
  std::array<sock_filter, 4> filter = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{filter.size(), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST_F(Surroundings, Fault31WhereSeccompRefusesBpfItSaysWhatIsMissing) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{kBpftally}, {kBpftally, "metrics"}, {kBpftally, "dump"}}) {
    Finished denied;
    bool filtered = false;
    std::thread([&] {
      filtered = DenyBpf();
      if (filtered) denied = RunToEnd(command);
    }).join();
    ASSERT_TRUE(filtered) << "no seccomp filters here";
    EXPECT_EQ(denied.status, kExitPermission) << denied.errors;
    EXPECT_THAT(denied.errors, AllOf(HasSubstr("CAP_BPF"), HasSubstr("CAP_PERFMON")));
  }
}

// The ids of an exporter's own programs, as it says itself.
std::set<uint32_t> OwnPrograms(const std::string& metrics) {
  static const std::regex kOwn("bpf_program_info\\{id=\"([0-9]+)\"[^\n]*self=\"true\"");
  std::set<uint32_t> ids;
  for (std::sregex_iterator match(metrics.begin(), metrics.end(), kOwn), end; match != end; ++match)
    ids.insert(static_cast<uint32_t>(std::stoul((*match)[1])));
  return ids;
}

TEST_F(Surroundings, Fault38TwoOnOneHostEachKnowTheirOwn) {
  Exporter one({});
  Exporter other({});
  ASSERT_NE(one.WaitForPort(), 0) << one.process().errors();
  ASSERT_NE(other.WaitForPort(), 0) << other.process().errors();
  std::set<uint32_t> ours;
  std::set<uint32_t> theirs;
  // A look may be a second old, of a time before the other.
  EXPECT_TRUE(Eventually([&] {
    const std::string metrics = one.Get("/metrics").body;
    ours = OwnPrograms(metrics);
    theirs = OwnPrograms(other.Get("/metrics").body);
    return !theirs.empty() && std::ranges::all_of(theirs, [&](uint32_t id) {
      return metrics.find("bpf_program_info{id=\"" + std::to_string(id) + "\"") !=
             std::string::npos;
    });
  }));
  ASSERT_FALSE(ours.empty());
  for (const uint32_t id : ours) EXPECT_FALSE(theirs.contains(id)) << id;
}

// Sets the host's clock forward, and back at the end.
class ClockStep {
 public:
  explicit ClockStep(seconds step) : step_(step) { Move(step_); }
  ~ClockStep() { Move(-step_); }
  ClockStep(const ClockStep&) = delete;
  ClockStep& operator=(const ClockStep&) = delete;

 private:
  static void Move(seconds by) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += by.count();
    EXPECT_EQ(clock_settime(CLOCK_REALTIME, &now), 0);
  }
  seconds step_;
};

std::set<std::string> LinesOf(const std::string& metrics, const std::string& family) {
  std::set<std::string> lines;
  std::istringstream text(metrics);
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with(family + "{")) lines.insert(line);
  }
  return lines;
}

TEST_F(Surroundings, Fault23AClockStepMovesNoLoadTimeAndStopsNoPoll) {
  if (std::getenv("BPFTALLY_GUEST") == nullptr)
    GTEST_SKIP() << "sets the clock: only in a virtual machine of our own (BPFTALLY_GUEST=1)";
  Exporter exporter({});
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const auto load_times = [&] {
    return LinesOf(exporter.Get("/metrics").body, "bpf_program_load_time");
  };
  ASSERT_TRUE(Eventually([&] { return !load_times().empty(); }));
  const auto before = load_times();
  for (const seconds step : {seconds(3600), seconds(-3600)}) {
    const ClockStep stepped(step);
    // Looks go on, by a clock that nobody sets; a look is used for a second.
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    EXPECT_EQ(load_times(), before) << step.count();
    EXPECT_TRUE(Succeeds(exporter.Get("/metrics").body, "programs"));
  }
}

}  // namespace
}  // namespace bpftally
