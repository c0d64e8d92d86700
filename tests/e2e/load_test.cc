// The real binary among clients that mean it no good; needs no privilege.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <latch>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <stop_token>
#include <thread>

#include "base/unique_fd.h"
#include "e2e/exporter.h"

namespace bpftally {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): literals only
using std::chrono::steady_clock;

constexpr size_t kMiB = size_t{1} << 20;
// A thread and a pool for each; some 400 are alive at most.
constexpr size_t kMemoryOfConnections = 32 * kMiB;

// Sends what the socket takes, once it takes something; false when the other side has closed.
bool Push(int fd, std::string_view bytes) {
  pollfd writable = {fd, POLLOUT, 0};
  poll(&writable, 1, 100);
  return send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EAGAIN;
}

// Takes what is there, at most `most`; false when the other side has closed.
bool Pull(int fd, size_t most) {
  std::array<char, 65536> block;
  const ssize_t got = recv(fd, block.data(), std::min(most, block.size()), MSG_DONTWAIT);
  return got > 0 || (got < 0 && errno == EAGAIN);
}

// What a crowd of clients does, until it is told to stop.
using Abuse = std::function<void(int port, const std::stop_token& stop)>;

// So many connections: `greet` once after each is made, then `go_on` with each once a second. What
// closes is made anew.
Abuse Crowd(size_t size, std::function<void(int fd)> greet, std::function<bool(int fd)> go_on) {
  return [=](int port, const std::stop_token& stop) {
    std::vector<UniqueFd> crowd(size);
    for (size_t turn = 0; !stop.stop_requested(); ++turn) {
      UniqueFd& client = crowd[turn % size];
      if (!client || !go_on(client.get())) {
        client = UniqueFd(Connect(port));
        if (client) greet(client.get());
      }
      std::this_thread::sleep_for(std::chrono::nanoseconds(1s) / size);
    }
  };
}

// One connection after the other, each with as much of `piece` as the server takes.
Abuse Flood(std::string opening, std::string piece, size_t most) {
  return [=](int port, const std::stop_token& stop) {
    for (; !stop.stop_requested(); std::this_thread::sleep_for(10ms)) {
      const UniqueFd client(Connect(port));
      if (!client || !Push(client.get(), opening)) continue;
      for (size_t sent = 0; sent < most && Push(client.get(), piece); sent += piece.size())
        if (stop.stop_requested()) return;
    }
  };
}

bool Nothing(int) { return true; }
bool StillOpen(int fd) { return Pull(fd, 65536); }

// Sanitizers keep what was freed.
bool Sanitized() {
  return RunToEnd(Bpftally({"--version"})).output.find("sanitizers") != std::string::npos;
}

std::string ManyMaps(int count) {
  std::string yaml = "maps:\n";
  for (int id = 1; id <= count; ++id)
    yaml +=
        fmt::format("  - {{id: {}, type: 1, name: map_{}, key_size: 4, max_entries: 9}}\n", id, id);
  return yaml;
}

class LoadTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& flags = {}, int maps = 100) {
    WriteFile(directory_.Path("maps.yaml"), ManyMaps(maps));
    std::vector<std::string> all = {"--replay", directory_.Path("maps.yaml"),
                                    fmt::format("--max-objects={}", maps)};
    all.insert(all.end(), flags.begin(), flags.end());
    exporter_ = std::make_unique<Exporter>(all);
    ASSERT_NE(exporter_->WaitForPort(), 0) << exporter_->process().errors();
    ASSERT_TRUE(Eventually([this] { return exporter_->Get("/-/ready").status == 200; }));
    ASSERT_EQ(exporter_->Get("/metrics").status, 200);
  }

  std::string Proc(const std::string& name) const {
    return fmt::format("/proc/{}/{}", exporter_->process().pid(), name);
  }

  size_t Fds() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(Proc("fd")), {}));
  }

  // A connection that still closes is no part of it.
  size_t IdleFds() const {
    size_t least = Fds();
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(10ms);
      least = std::min(least, Fds());
    }
    return least;
  }

  size_t PeakBytes() const {
    static const std::regex kPeak("VmHWM:\\s*([0-9]+) kB");
    const std::string status = ReadFile(Proc("status"));
    std::smatch match;
    return std::regex_search(status, match, kPeak) ? std::stoul(match[1]) * 1024 : 0;
  }

  // How long the answers took, sorted; half a minute where there was none.
  std::vector<steady_clock::duration> HealthChecks(int count) const {
    std::vector<steady_clock::duration> took;
    for (int i = 0; i < count; ++i) {
      const auto start = steady_clock::now();
      const bool well = exporter_->Get("/-/healthy").status == 200;
      took.push_back(well ? steady_clock::now() - start : 30s);
      std::this_thread::sleep_for(50ms);
    }
    std::ranges::sort(took);
    return took;
  }

  void StaysHealthyUnder(const Abuse& abuse, size_t memory = kMemoryOfConnections) {
    const size_t fds = IdleFds();
    WriteFile(Proc("clear_refs"), "5");  // the peak counts anew: from what is resident now
    const size_t peak = PeakBytes();
    const auto calm = HealthChecks(20);
    ASSERT_LT(calm.back(), 30s);
    {
      const std::jthread crowd(
          [&](const std::stop_token& stop) { abuse(exporter_->port(), stop); });
      const auto took = HealthChecks(60);
      EXPECT_LT(took[took.size() / 2], std::max<steady_clock::duration>(50ms, 10 * calm[10]));
      // A machine that stalls delays one of them, or two.
      EXPECT_LT(took[took.size() - 3], std::max<steady_clock::duration>(1s, 10 * calm.back()));
      EXPECT_LT(took.back(), 30s) << "one got no answer";
    }
    if (!Sanitized()) {
      EXPECT_LT(PeakBytes(), peak + memory);
    }
    EXPECT_TRUE(Eventually([&] { return Fds() <= fds; }))
        << Fds() << " descriptors, before " << fds;
    EXPECT_TRUE(Eventually([this] { return exporter_->Get("/metrics").status == 200; }));
  }

  TempDirectory directory_;
  std::unique_ptr<Exporter> exporter_;
};

// Differs from look to look.
std::string MarkOfTheLook(const std::string& exposition) {
  std::string mark;
  std::istringstream text(exposition);
  for (std::string line; std::getline(text, line);)
    if (line.starts_with("bpftally_collector_duration_seconds{")) mark += line + "\n";
  return mark;
}

TEST_F(LoadTest, Fault19FiftyScrapesMakeOneCollection) {
  constexpr size_t kScrapes = 50;
  Start({"--web.max-requests=64", "--poll-interval=0"});
  std::this_thread::sleep_for(1100ms);  // the last look is too old then
  std::vector<HttpAnswer> answers(kScrapes);
  const auto asked = steady_clock::now();
  {
    std::latch all(kScrapes);
    std::vector<std::jthread> clients;
    for (HttpAnswer& answer : answers)
      clients.emplace_back([&] {
        all.arrive_and_wait();
        answer = exporter_->Get("/metrics");
      });
  }
  const auto took = std::chrono::ceil<std::chrono::seconds>(steady_clock::now() - asked);
  std::set<std::string> looks;
  for (const HttpAnswer& answer : answers) {
    EXPECT_EQ(answer.status, 200);
    looks.insert(MarkOfTheLook(answer.body));
  }
  EXPECT_FALSE(looks.contains(""));
  EXPECT_LE(looks.size(), 2 + static_cast<size_t>(took.count())) << "more than one a second";
  std::this_thread::sleep_for(1100ms);
  EXPECT_FALSE(looks.contains(MarkOfTheLook(exporter_->Get("/metrics").body)))
      << "no mark of a look";
}

constexpr int kMegabytesOfMaps = 20'000;  // on /metrics some seven, more than socket buffers take

// A reader that takes little, with a receive buffer that holds little.
bool AskForMuch(int fd) {
  const int small = 4096;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  return Push(fd, "GET /metrics HTTP/1.1\r\nHost: slow\r\n\r\n");
}
bool FirstLineIs200(int fd) {
  std::string line(std::size("HTTP/1.1 200") - 1, ' ');
  recv(fd, line.data(), line.size(), MSG_WAITALL);
  return line == "HTTP/1.1 200";
}

bool ReadAByte(int fd) { return Pull(fd, 1); }

TEST_F(LoadTest, Fault19SlowReadersMakeRoomForWhoComes) {
  constexpr size_t kShare = 4;
  Start({fmt::format("--web.max-requests={}", kShare)}, kMegabytesOfMaps);
  std::vector<UniqueFd> readers(10 * kShare);
  for (UniqueFd& reader : readers) {
    reader = UniqueFd(Connect(exporter_->port()));
    EXPECT_TRUE(AskForMuch(reader.get()) && FirstLineIs200(reader.get()));
  }
  EXPECT_EQ(exporter_->Get("/metrics").status, 200);
  EXPECT_EQ(exporter_->Get("/-/healthy").status, 200);
}

TEST_F(LoadTest, Fault19SlowReaders) {
  constexpr size_t kShare = 4;
  Start({fmt::format("--web.max-requests={}", kShare)}, kMegabytesOfMaps);
  const size_t body = exporter_->Get("/metrics").body.size();
  // Many more than may hold a body.
  StaysHealthyUnder(Crowd(40, AskForMuch, ReadAByte), kMemoryOfConnections + kShare * body);
}

TEST_F(LoadTest, Fault19HeadsThatTrickleIn) {
  Start();
  StaysHealthyUnder(Crowd(
      200, [](int fd) { return Push(fd, "GET /metrics HTTP/1.1\r\nX-Slow: "); },
      [](int fd) { return Push(fd, "x"); }));
}

TEST_F(LoadTest, Fault19AThousandSilentConnections) {
  Start();
  StaysHealthyUnder(Crowd(1000, Nothing, Nothing));
}

TEST_F(LoadTest, Fault19AThousandConnectionsThatComeAgain) {
  Start();
  StaysHealthyUnder(Crowd(1000, [](int fd) { return Push(fd, "GET / HT"); }, StillOpen));
}

TEST_F(LoadTest, Fault19ClientsThatSendTheirEndAndStay) {
  Start();
  StaysHealthyUnder(Crowd(100, [](int fd) { return shutdown(fd, SHUT_WR) == 0; }, StillOpen));
}

TEST_F(LoadTest, Fault19HugeHeads) {
  Start();
  StaysHealthyUnder(Flood("GET /metrics HTTP/1.1\r\nX-Big: ", std::string(kMiB, 'x'), kMiB));
}

TEST_F(LoadTest, Fault19EndlessHeads) {
  Start();
  StaysHealthyUnder(Flood("GET /metrics HTTP/1.1\r\n", "X-More: and more\r\n", 1000 * kMiB));
}

TEST_F(LoadTest, Fault19EndlessBodies) {
  Start();
  const std::string chunk = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
  StaysHealthyUnder(
      Flood("POST /metrics HTTP/1.1\r\nHost: load\r\nTransfer-Encoding: chunked\r\n\r\n", chunk,
            1000 * kMiB));
}

TEST_F(LoadTest, Fault19PipelinedGarbage) {
  Start();
  std::mt19937 random(19);
  std::string garbage = "GET /-/healthy HTTP/1.1\r\nHost: load\r\n\r\n";
  for (int i = 0; i < 10'000; ++i) garbage += static_cast<char>(random());
  StaysHealthyUnder(Flood("GET /-/healthy HTTP/1.1\r\nHost: load\r\n\r\n", garbage, kMiB));
}

}  // namespace
}  // namespace bpftally
