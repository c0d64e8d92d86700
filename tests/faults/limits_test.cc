// The real binary on the real kernel where files, memory and room for series run out.

#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "base/unique_fd.h"
#include "build_paths.h"
#include "faults/served.h"

namespace bpftally {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Limits : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: the kernel shows no BPF object to us";
  }
};

// The limit that leaves the process one more descriptor below it.
rlim_t LimitThatLeavesOne(pid_t pid) {
  std::set<rlim_t> open;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
    open.insert(std::stoul(entry.path().filename()));
  rlim_t first_free = 0;
  while (open.contains(first_free)) ++first_free;
  return first_free + 1;
}

TEST_F(Limits, Fault11WithoutDescriptorsCollectorsFailAndRecover) {
  Exporter exporter({"--poll-interval=1h"});
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const auto metrics = [&] { return exporter.Get("/metrics").body; };
  ASSERT_TRUE(Eventually([&] { return Succeeds(metrics(), "programs"); }));
  const pid_t pid = exporter.process().pid();
  rlimit before{};
  ASSERT_EQ(prlimit(pid, RLIMIT_NOFILE, nullptr, &before), 0);
  rlimit tight = before;
  // The connection that asks takes the one that is left.
  ASSERT_TRUE(Eventually([&] {
    tight.rlim_cur = LimitThatLeavesOne(pid);
    prlimit(pid, RLIMIT_NOFILE, &tight, nullptr);
    return Fails(metrics(), "programs");
  }));
  EXPECT_TRUE(Fails(metrics(), "maps"));
  EXPECT_EQ(exporter.Get("/-/healthy").status, 200);
  ASSERT_EQ(prlimit(pid, RLIMIT_NOFILE, &before, nullptr), 0);
  EXPECT_TRUE(Eventually([&] { return Succeeds(metrics(), "programs"); }));
  EXPECT_TRUE(Succeeds(metrics(), "maps"));
  const std::string log = exporter.process().errors();
  EXPECT_EQ(CountOf(log, "collector programs fails"), 1U) << log;
  EXPECT_THAT(log, HasSubstr("Too many open files"));
}

TEST_F(Limits, Fault32LockedMemoryOf64KibIsEnough) {
  rlimit little{65536, 65536};
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_MEMLOCK, &before), 0);
  if (before.rlim_max < little.rlim_max) GTEST_SKIP() << "the limit is lower already";
  // Set in the child only: what is lowered cannot be raised again everywhere.
  const std::vector<std::string> limited = {"/usr/bin/prlimit", "--memlock=65536:65536", kBpftally,
                                            "metrics"};
  const Finished metrics = RunToEnd(limited);
  EXPECT_EQ(metrics.status, 0) << metrics.errors;
  EXPECT_TRUE(Succeeds(metrics.output, "programs"));
}

// A metric of a map that takes a million entries, which the test fills.
class Crowded : public Limits {
 protected:
  static constexpr uint32_t kKeys = 100'000;

  void SetUp() override {
    Limits::SetUp();
    if (IsSkipped()) return;
    fs::copy_file(BPFTALLY_BINARY_DIR "/tests/programs/map_kinds.bpf.o",
                  folder_.Path("crowd.bpf.o"));
    WriteFile(folder_.Path("crowd.yaml"), R"(metrics:
  counters:
    - name: in_million
      help: Known
      labels:
        - {name: zone, size: 4, decoders: [{name: uint}]}
        - {name: area, size: 4, decoders: [{name: uint}]}
)");
  }

  std::vector<std::string> Flags(std::initializer_list<std::string> more = {}) const {
    std::vector<std::string> flags = {"--config.dir=" + folder_.Path(""), "--config.names=crowd"};
    flags.insert(flags.end(), more);
    return flags;
  }

  // The descriptor of the map that the process holds.
  static UniqueFd MapOf(pid_t pid) {
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fdinfo")) {
      const std::string text = ReadFile(entry.path());
      const size_t at = text.find("map_id:\t");
      if (at == std::string::npos) continue;
      UniqueFd fd(bpf_map_get_fd_by_id(static_cast<uint32_t>(std::stoul(text.substr(at + 8)))));
      bpf_map_info info{};
      uint32_t size = sizeof(info);
      if (fd && bpf_obj_get_info_by_fd(fd.get(), &info, &size) == 0 &&
          std::string_view(info.name) == "in_million")
        return fd;
    }
    return {};
  }

  static void Fill(pid_t pid) {
    const UniqueFd map = MapOf(pid);
    ASSERT_TRUE(map) << "the process has no map in_million";
    std::vector<uint64_t> keys(kKeys);
    for (uint32_t i = 0; i < kKeys; ++i) keys[i] = uint64_t{i} << 32 | i;
    const std::vector<uint64_t> values(kKeys, 1);
    uint32_t count = kKeys;
    LIBBPF_OPTS(bpf_map_batch_opts, options);
    ASSERT_EQ(bpf_map_update_batch(map.get(), keys.data(), values.data(), &count, &options), 0)
        << std::strerror(errno);
  }

  TempDirectory folder_;
};

// The series of the metric, without their values.
std::set<std::string> SeriesOf(const std::string& metrics) {
  std::set<std::string> series;
  std::istringstream text(metrics);
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("ebpf_exporter_in_million{"))
      series.insert(line.substr(0, line.find(' ')));
  }
  return series;
}

TEST_F(Crowded, Fault13ABombOfKeysIsCutAndTheSameKeysAreKept) {
  Exporter exporter(Flags({"--config.max-series=1000"}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  Fill(exporter.process().pid());
  exporter.Get("/metrics");  // may be of a look that began before
  const std::string first = exporter.Get("/metrics").body;
  const std::string second = exporter.Get("/metrics").body;
  EXPECT_EQ(SeriesOf(first).size(), 1000U);
  EXPECT_EQ(SeriesOf(second), SeriesOf(first));
  EXPECT_THAT(second, testing::ContainsRegex(
                          "\nbpftally_program_series_dropped_total\\{config="
                          "\"crowd\",metric=\"ebpf_exporter_in_million\",reason=\"limit\"\\} "
                          "[1-9][0-9]{4,}\n"));
}

// A control group with a limit of memory, by version 2 or 1; gone with the object.
class MemoryLimit {
 public:
  explicit MemoryLimit(uint64_t bytes) {
    const std::string name = "/bpftally-faults-" + std::to_string(getpid());
    for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory"}) {
      if (mkdir((root + name).c_str(), 0755) != 0) continue;
      path_ = root + name;
      for (const char* limit : {"/memory.max", "/memory.limit_in_bytes"}) {
        if (!fs::exists(path_ + limit)) continue;
        WriteFile(path_ + limit, std::to_string(bytes));
        limit_ = ReadFile(path_ + limit);
        return;
      }
      rmdir(path_.c_str());
    }
  }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
  ~MemoryLimit() {
    Eventually([this] { return limit_.empty() || rmdir(path_.c_str()) == 0; });
  }

  bool works() const { return !limit_.empty(); }
  std::string Join() const { return "echo $$ >" + path_ + "/cgroup.procs"; }

  // How often the kernel has ended a process here.
  size_t Kills() const {
    const std::string events = fs::exists(path_ + "/memory.events")
                                   ? ReadFile(path_ + "/memory.events")
                                   : ReadFile(path_ + "/memory.oom_control");
    const size_t at = events.find("oom_kill ");
    return at == std::string::npos ? 0 : std::stoul(events.substr(at + sizeof("oom_kill")));
  }

 private:
  std::string path_;
  std::string limit_;
};

TEST_F(Crowded, Fault12AHundredThousandSeriesFitInto64Mib) {
  const MemoryLimit limit(64 << 20);
  if (!limit.works()) GTEST_SKIP() << "no memory controller for control groups here";
  Served exporter(Shell(limit.Join()), Flags());
  ASSERT_TRUE(exporter.WaitUntilUp()) << exporter.process().errors();
  Fill(exporter.process().pid());
  for (int i = 0; i < 5; ++i) {
    const HttpAnswer answer = exporter.Get("/metrics");
    ASSERT_EQ(answer.status, 200);
    ASSERT_EQ(SeriesOf(answer.body).size(), kKeys);
  }
  EXPECT_EQ(limit.Kills(), 0U);
  EXPECT_FALSE(exporter.process().Wait(std::chrono::milliseconds(0)));
}

}  // namespace
}  // namespace bpftally
