// The real binary is ended at any moment, and nothing of it stays in the kernel.

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <thread>

#include "base/unique_fd.h"
#include "faults/served.h"

namespace bpftally {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

// An emulated machine starts ten times slower.
const int kRounds = std::getenv("BPFTALLY_GUEST") == nullptr ? 50 : 3;

struct OwnIds {
  std::set<uint32_t> programs, maps, links;
};

void AddIds(const std::string& fdinfo, const char* key, std::set<uint32_t>& ids) {
  const size_t at = fdinfo.find(key);
  if (at != std::string::npos)
    ids.insert(static_cast<uint32_t>(std::stoul(fdinfo.substr(at + std::string_view(key).size()))));
}

uint32_t HighestId(int (*next)(uint32_t, uint32_t*)) {
  uint32_t id = 0;
  while (next(id, &id) == 0) continue;
  return id;
}

// What a process that starts later has made of BPF, by what it holds at a moment: its walks hold
// objects of others too, for the time of a visit.
class Births {
 public:
  OwnIds In(pid_t pid) const {
    OwnIds ids;
    std::error_code gone;
    for (fs::directory_iterator entry("/proc/" + std::to_string(pid) + "/fdinfo", gone), end;
         !gone && entry != end; entry.increment(gone)) {
      const std::string text = ReadFile(entry->path());
      AddIds(text, "prog_id:\t", ids.programs);
      AddIds(text, "map_id:\t", ids.maps);
      AddIds(text, "link_id:\t", ids.links);
    }
    std::erase_if(ids.programs, [this](uint32_t id) { return id <= program_; });
    std::erase_if(ids.maps, [this](uint32_t id) { return id <= map_; });
    std::erase_if(ids.links, [this](uint32_t id) { return id <= link_; });
    return ids;
  }

 private:
  uint32_t program_ = HighestId(bpf_prog_get_next_id);
  uint32_t map_ = HighestId(bpf_map_get_next_id);
  uint32_t link_ = HighestId(bpf_link_get_next_id);
};

bool AreGone(const std::set<uint32_t>& ids, int (*open)(uint32_t)) {
  for (const uint32_t id : ids) {
    if (UniqueFd(open(id)) || errno != ENOENT) return false;
  }
  return true;
}

bool NothingIsLeft(const OwnIds& ids) {
  return AreGone(ids.links, bpf_link_get_fd_by_id) &&
         AreGone(ids.programs, bpf_prog_get_fd_by_id) && AreGone(ids.maps, bpf_map_get_fd_by_id);
}

class Ending : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: the kernel shows no BPF object to us";
  }

  milliseconds Random(int below) {
    return milliseconds(std::uniform_int_distribution(0, below - 1)(random_));
  }

  std::mt19937 random_{24};
};

// Scrapes without a pause, as long as it lives.
class Scraper {
 public:
  explicit Scraper(const Served& served)
      : thread_([&served](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            if (served.Metrics().empty()) std::this_thread::sleep_for(milliseconds(1));
          }
        }) {}

 private:
  std::jthread thread_;
};

// A receiver that takes every connection and never answers.
class BlackHole {
 public:
  BlackHole() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size);
    listen(fd_.get(), 128);
    getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  UniqueFd fd_;
  int port_ = 0;
};

// In the midst of an export, whose last try takes its three seconds: all of them at once.
TEST_F(Ending, Fault24SigtermInExportsEndsInTimeAndLeavesNothing) {
  const BlackHole receiver;
  const Births births;
  std::vector<std::unique_ptr<Served>> exporters(1 + static_cast<size_t>(kRounds) / 8);
  std::vector<OwnIds> own;
  for (auto& exporter : exporters) {
    exporter = std::make_unique<Served>(
        std::vector<std::string>{},
        std::vector<std::string>{"--otlp-http=" + receiver.Url(), "--otlp-interval=1s"});
    ASSERT_TRUE(exporter->WaitUntilUp()) << exporter->process().errors();
    const Scraper scraper(*exporter);
    std::this_thread::sleep_for(Random(100));
    own.push_back(births.In(exporter->process().pid()));
    exporter->process().Signal(SIGTERM);
  }
  for (size_t i = 0; i < exporters.size(); ++i) {
    EXPECT_EQ(exporters[i]->process().Wait(seconds(30)), 0) << exporters[i]->process().errors();
    EXPECT_TRUE(Eventually([&] { return NothingIsLeft(own[i]); }));
  }
}

TEST_F(Ending, Fault24SigtermAnytimeEndsInTimeAndLeavesNothing) {
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    const Births births;
    Served exporter({});
    if (round % 4 != 1) {
      ASSERT_TRUE(exporter.WaitUntilUp()) << exporter.process().errors();
    }
    const Scraper scraper(exporter);
    std::this_thread::sleep_for(Random(100));
    const OwnIds own = births.In(exporter.process().pid());
    exporter.process().Signal(SIGTERM);
    const auto status =
        exporter.process().Wait(seconds(30));  // 5 s, on a machine with nothing else
    ASSERT_TRUE(status) << "still runs";
    // In its first moments, before its first line, it may have no say in that.
    const bool began = !exporter.process().errors().empty();
    EXPECT_TRUE(*status == 0 || (!began && *status == 128 + SIGTERM))
        << *status << exporter.process().errors();
    EXPECT_TRUE(Eventually([&] { return NothingIsLeft(own); }));
  }
}

TEST_F(Ending, Fault24SigkillAtAnyMomentLeavesNothing) {
  size_t held = 0;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    const Births births;
    Served exporter({});
    if (round % 2 == 0) {
      ASSERT_TRUE(exporter.WaitUntilUp()) << exporter.process().errors();
    }
    const Scraper scraper(exporter);
    std::this_thread::sleep_for(Random(200));
    exporter.process().Signal(SIGSTOP);  // so that what it holds is what it dies with
    const OwnIds own = births.In(exporter.process().pid());
    held += own.programs.size() + own.links.size();
    exporter.process().Signal(SIGKILL);
    ASSERT_EQ(exporter.process().Wait(seconds(30)), 128 + SIGKILL);
    EXPECT_TRUE(Eventually([&] { return NothingIsLeft(own); }));
  }
  EXPECT_GT(held, static_cast<size_t>(kRounds))
      << "it held nothing of BPF: the test proves nothing";
}

}  // namespace
}  // namespace bpftally
