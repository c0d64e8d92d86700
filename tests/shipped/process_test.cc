// System calls, tasks, control groups.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "shipped/program_under_test.h"

namespace bpftally {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST_F(Shipped, Syscalls) {
  constexpr int kCalls = 123;  // of one that hardly anybody makes
  ProgramUnderTest program("syscalls");
  ASSERT_TRUE(program.serves()) << program.log();
  const Labels call = {{"syscall", "mq_unlink"}};
  const Labels error = {{"syscall", "mq_unlink"}, {"errno", "ENOENT"}};
  const double calls = program.Value("syscalls_total", call);
  const double errors = program.Value("syscall_errors_total", error);
  for (int i = 0; i < kCalls; ++i) {
    if (mq_unlink("/bpftally_there_is_none") != -1 || errno != ENOENT)
      GTEST_SKIP() << "no message queues on this kernel (CONFIG_POSIX_MQUEUE)";
  }
  EXPECT_EQ(program.Growth("syscalls_total", call, calls, kCalls), kCalls);
  EXPECT_EQ(program.Growth("syscall_errors_total", error, errors, kCalls), kCalls);
}

TEST_F(Shipped, Execs) {
  constexpr int kStarts = 17;
  ProgramUnderTest program("execs");
  ASSERT_TRUE(program.serves()) << program.log();
  const TempDirectory directory;
  const std::string command = directory.Path("shipped-exec");
  std::filesystem::create_symlink(FindProgram("true"), command);
  for (int i = 0; i < kStarts; ++i) ASSERT_EQ(RunToEnd({command}).status, 0);
  EXPECT_EQ(program.Growth("execs_total", {{"command", "shipped-exec"}}, 0, kStarts), kStarts);
}

// Makes the calling thread run on this CPU only.
void StayOn(int cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  EXPECT_EQ(sched_setaffinity(0, sizeof(only), &only), 0);
}

// Two that want one CPU: while one runs, the other one waits.
TEST_F(Shipped, Runqlat) {
  constexpr milliseconds kTime{600};
  ProgramUnderTest program("runqlat");
  ASSERT_TRUE(program.serves()) << program.log();
  const double seconds = program.Value("run_queue_latency_seconds_sum");
  const double waits = program.Value("run_queue_latency_seconds_count");
  const int cpu = sched_getcpu();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      StayOn(cpu);
      const auto end = std::chrono::steady_clock::now() + kTime;
      while (std::chrono::steady_clock::now() < end) {
      }
    });
  }
  threads.clear();
  const double waited = std::chrono::duration<double>(kTime).count();
  EXPECT_GE(program.Growth("run_queue_latency_seconds_sum", {}, seconds, waited * 0.8),
            waited * 0.8);
  EXPECT_GE(program.Value("run_queue_latency_seconds_count") - waits, 10);
}

// Two threads on one CPU: while one of them moves the times ahead, the other one waits.
TEST_F(Shipped, RunqlatSurvivesSkewedClocks) {
  constexpr size_t kEnough = 20;
  ProgramUnderTest program("runqlat");
  ASSERT_TRUE(program.serves()) << program.log();
  const int cpu = sched_getcpu();
  std::atomic<size_t> moved = 0;
  std::thread waits([&] {
    StayOn(cpu);
    while (moved < kEnough) {
    }
  });
  std::thread moves([&] {
    StayOn(cpu);
    EXPECT_TRUE(
        Eventually([&] { return (moved += program.MoveTimesAhead("waiting_since")) >= kEnough; }));
    moved = kEnough;  // The other one must end even then.
  });
  waits.join();
  moves.join();
  EXPECT_TRUE(program.HasPlausibleSum("run_queue_latency_seconds")) << program.Scrape();
}

// Where a hierarchy of control groups is mounted: "" is v2, "memory" and "cpu" v1.
std::optional<std::string> Hierarchy(const std::string& controller) {
  std::ifstream mounts("/proc/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device, path, type, options;
    words >> device >> path >> type >> options;
    const bool found =
        controller.empty()
            ? type == "cgroup2"
            : type == "cgroup" &&
                  ("," + options + ",").find("," + controller + ",") != std::string::npos;
    if (found) return path;
  }
  return std::nullopt;
}

// A control group that is gone with it; those inside have ended by then.
class ControlGroup {
 public:
  explicit ControlGroup(const std::string& hierarchy)
      : path_(hierarchy + "/bpftally_shipped_" + std::to_string(getpid())) {
    std::filesystem::create_directory(path_);
  }
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;
  ~ControlGroup() {
    Eventually([&] { return rmdir(path_.c_str()) == 0; });
  }

  const std::string& path() const { return path_; }
  bool Set(const std::string& file, const std::string& value) const {
    std::ofstream stream(path_ + "/" + file);
    stream << value << std::flush;
    return stream.good();
  }

 private:
  std::string path_;
};

// One in v2, whose path is the label, and one with the controller if that is in v1.
struct Limited {
  std::optional<ControlGroup> labelled;
  std::optional<ControlGroup> v1;
  bool works = false;

  Limited(const std::string& controller, const std::string& file, const std::string& value,
          const std::string& v1_file, const std::string& v1_value) {
    const auto root = Hierarchy("");
    const auto old = Hierarchy(controller);
    if (!root) return;
    if (!old) std::ofstream(*root + "/cgroup.subtree_control") << "+" + controller << std::flush;
    labelled.emplace(*root);
    if (old) v1.emplace(*old);
    works = old ? v1->Set(v1_file, v1_value) : labelled->Set(file, value);
  }

  // Runs in there.
  Finished Run(const std::string& script) const {
    std::string enter = "echo $$ >" + labelled->path() + "/cgroup.procs";
    if (v1) enter += "; echo $$ >" + v1->path() + "/cgroup.procs";
    return RunToEnd({"/bin/sh", "-c", enter + "; " + script});
  }
};

TEST_F(Shipped, Oomkill) {
  constexpr int kKills = 2;
  ProgramUnderTest program("oomkill");
  ASSERT_TRUE(program.serves()) << program.log();
  const Limited small("memory", "memory.max", "16M", "memory.limit_in_bytes", "16M");
  if (!small.works) GTEST_SKIP() << "no memory controller of control groups, or no cgroup v2";
  // Swap would only make it slow.
  (void)small.labelled->Set("memory.swap.max", "0");
  for (int i = 0; i < kKills; ++i)
    EXPECT_NE(small.Run("exec dd if=/dev/zero of=/dev/null bs=200M count=1").status, 0)
        << "it was not killed";
  EXPECT_EQ(program.Growth("oom_kills_total", {{"cgroup", small.labelled->path()}}, 0, kKills),
            kKills);
}

// It needs fentry. Where that is refused, the exporter serves and says so.
TEST_F(Shipped, CfsThrottling) {
  ProgramUnderTest program("cfs-throttling");
  ASSERT_TRUE(program.serves()) << program.log();
  if (program.log().find("throttle_cfs_rq") != std::string::npos) {
    EXPECT_THAT(program.log(), HasSubstr("fentry/throttle_cfs_rq"));
    EXPECT_THAT(program.Scrape(), HasSubstr("\nbpftally_build_info"));
    GTEST_SKIP() << "this kernel has no fentry: only the report was tested";
  }
  const Limited slow("cpu", "cpu.max", "5000 50000", "cpu.cfs_quota_us", "5000");
  if (!slow.works) GTEST_SKIP() << "no CPU controller of control groups, or no cgroup v2";
  EXPECT_EQ(slow.Run("timeout 2 sh -c 'while :; do :; done'").status, 124);
  // A tenth of the time it ran, or a twentieth with v1's period of 100 ms.
  EXPECT_GE(program.Growth("cfs_throttling_seconds_sum", {}, 0, 1), 1);
  EXPECT_GE(program.Value("cfs_throttling_seconds_count"), 10);
}

// While the group is throttled, which is nine tenths of the time, its beginning moves ahead.
TEST_F(Shipped, CfsThrottlingSurvivesSkewedClocks) {
  ProgramUnderTest program("cfs-throttling");
  ASSERT_TRUE(program.serves()) << program.log();
  if (program.log().find("throttle_cfs_rq") != std::string::npos)
    GTEST_SKIP() << "this kernel has no fentry";
  const Limited slow("cpu", "cpu.max", "5000 50000", "cpu.cfs_quota_us", "5000");
  if (!slow.works) GTEST_SKIP() << "no CPU controller of control groups, or no cgroup v2";
  std::jthread busy([&] { slow.Run("timeout 3 sh -c 'while :; do :; done'"); });
  size_t moved = 0;
  EXPECT_TRUE(
      Eventually([&] { return (moved += program.MoveTimesAhead("throttled_since")) >= 5; }));
  busy.join();
  EXPECT_GE(program.Growth("cfs_throttling_seconds_count", {}, 0, 1), 1);
  EXPECT_TRUE(program.HasPlausibleSum("cfs_throttling_seconds")) << program.Scrape();
}

}  // namespace
}  // namespace bpftally
