// TCP, dropped packets, XDP, soft interrupts, and the timers that TCP starts.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "shipped/program_under_test.h"

namespace bpftally {
namespace {

// Others may cause a few of the same events meanwhile.
constexpr double kOthers = 1.5;

// 127.0.0.1 for sockets of IPv6.
constexpr in6_addr kMappedLoopback = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}}};

// An address of this host's loopback.
class Loopback {
 public:
  explicit Loopback(int family, uint16_t port = 0, const in6_addr& v6 = in6addr_loopback)
      : family_(family) {
    if (family == AF_INET6) {
      v6_.sin6_family = AF_INET6;
      v6_.sin6_addr = v6;
      v6_.sin6_port = htons(port);
    } else {
      v4_.sin_family = AF_INET;
      v4_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      v4_.sin_port = htons(port);
    }
  }

  sockaddr* address() {
    return family_ == AF_INET6 ? reinterpret_cast<sockaddr*>(&v6_)
                               : reinterpret_cast<sockaddr*>(&v4_);
  }
  socklen_t size() const { return family_ == AF_INET6 ? sizeof(v6_) : sizeof(v4_); }
  uint16_t port() const { return ntohs(family_ == AF_INET6 ? v6_.sin6_port : v4_.sin_port); }

 private:
  int family_;
  sockaddr_in v4_ = {};
  sockaddr_in6 v6_ = {};
};

UniqueFd Socket(int family, int type, int protocol = 0) {
  return UniqueFd(socket(family, type | SOCK_CLOEXEC, protocol));
}

// Listens on a free port of the loopback address.
class Listener {
 public:
  Listener(int family, int backlog, const in6_addr& v6 = in6addr_loopback)
      : family_(family), fd_(Socket(family, SOCK_STREAM)) {
    Loopback address(family, 0, v6);
    const int no = 0;  // of IPv6 on all addresses: it takes IPv4 too
    (void)setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
    socklen_t size = address.size();
    listens_ = fd_ && bind(fd_.get(), address.address(), size) == 0 &&
               listen(fd_.get(), backlog) == 0 &&
               getsockname(fd_.get(), address.address(), &size) == 0;
    address_ = address;
  }

  bool listens() const { return listens_; }
  bool Connect(const UniqueFd& client) { return Connect(client, address_); }
  // A client of IPv6 reaches a listener of IPv4.
  bool ConnectMapped(const UniqueFd& client) {
    return Connect(client, Loopback(AF_INET6, address_.port(), kMappedLoopback));
  }
  // A client of IPv4 reaches a listener of IPv6 on all addresses.
  bool ConnectIpv4(const UniqueFd& client) {
    return Connect(client, Loopback(AF_INET, address_.port()));
  }
  // Takes no connection before its first data, or for so long.
  bool WaitForData(std::chrono::seconds time) const {
    const int seconds = static_cast<int>(time.count());
    return setsockopt(fd_.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)) == 0;
  }
  UniqueFd Connected() {
    UniqueFd client = Socket(family_, SOCK_STREAM);
    return Connect(client) ? std::move(client) : UniqueFd();
  }
  UniqueFd Accept() const { return UniqueFd(accept(fd_.get(), nullptr, nullptr)); }

 private:
  static bool Connect(const UniqueFd& client, Loopback address) {
    return connect(client.get(), address.address(), address.size()) == 0;
  }

  int family_;
  UniqueFd fd_;
  bool listens_ = false;
  Loopback address_{AF_INET};
};

void SendDatagrams(int count, int protocol, int type = SOCK_DGRAM) {
  const UniqueFd sender = Socket(AF_INET, type, protocol);
  Loopback discard(AF_INET, 9);
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(sendto(sender.get(), "shipped", 7, 0, discard.address(), discard.size()), 7);
}

TEST_F(Shipped, TcpConnect) {
  constexpr int kConnections = 25;
  constexpr int kRefused = 10;
  ProgramUnderTest program("tcp-connect");
  ASSERT_TRUE(program.serves()) << program.log();
  // Our own scrapes are IPv4.
  Listener listener(AF_INET6, kConnections);
  if (!listener.listens()) GTEST_SKIP() << "no IPv6 on the loopback interface";
  const Labels ipv6 = {{"family", "ipv6"}};
  const double before = program.Value("tcp_connect_latency_seconds_count", ipv6);
  for (int i = 0; i < kConnections; ++i) ASSERT_TRUE(listener.Connected());
  Loopback nobody(AF_INET6, 1);
  for (int i = 0; i < kRefused; ++i) {
    const UniqueFd client = Socket(AF_INET6, SOCK_STREAM);
    ASSERT_NE(connect(client.get(), nobody.address(), nobody.size()), 0);
  }
  EXPECT_EQ(program.Growth("tcp_connect_latency_seconds_count", ipv6, before, kConnections),
            kConnections);
  const double seconds = program.Value("tcp_connect_latency_seconds_sum", ipv6);
  EXPECT_GT(seconds, kConnections * 1e-6);
  EXPECT_LT(seconds, kConnections * 1.0);
}

TEST_F(Shipped, TcpConnectCountsMappedAddressesAsIpv4) {
  constexpr int kConnections = 25;
  ProgramUnderTest program("tcp-connect");
  ASSERT_TRUE(program.serves()) << program.log();
  Listener listener(AF_INET, kConnections);
  ASSERT_TRUE(listener.listens());
  const Labels ipv4 = {{"family", "ipv4"}}, ipv6 = {{"family", "ipv6"}};
  const double before = program.Value("tcp_connect_latency_seconds_count", ipv4);
  const double before6 = program.Value("tcp_connect_latency_seconds_count", ipv6);
  for (int i = 0; i < kConnections; ++i) {
    const UniqueFd client = Socket(AF_INET6, SOCK_STREAM);
    if (!client) GTEST_SKIP() << "no IPv6";
    ASSERT_TRUE(listener.ConnectMapped(client));
  }
  // No scrape but one: each is itself a connection of IPv4.
  EXPECT_GE(program.Value("tcp_connect_latency_seconds_count", ipv4) - before, kConnections);
  EXPECT_LT(program.Value("tcp_connect_latency_seconds_count", ipv6) - before6, kConnections);
}

// Accepts a connection whose beginning is later than its end.
TEST_F(Shipped, TcpConnectSurvivesSkewedClocks) {
  ProgramUnderTest program("tcp-connect");
  ASSERT_TRUE(program.serves()) << program.log();
  Listener full(AF_INET, 0);
  ASSERT_TRUE(full.listens());
  ASSERT_TRUE(full.Connected());
  const UniqueFd client = Socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  ASSERT_FALSE(full.Connect(client));
  ASSERT_GE(program.MoveTimesAhead("attempts"), 1);
  ASSERT_TRUE(full.Accept());
  ASSERT_TRUE(Eventually([&] { return full.Connect(client) || errno == EISCONN; }));
  EXPECT_TRUE(program.HasPlausibleSum("tcp_connect_latency_seconds")) << program.Scrape();
}

// Whoever finds the queue of a listener full sends again after a second.
TEST_F(Shipped, TcpRetransmit) {
  constexpr int kWaiting = 8;
  ProgramUnderTest program("tcp-retransmit");
  ASSERT_TRUE(program.serves()) << program.log();
  Listener full(AF_INET, 0);
  ASSERT_TRUE(full.listens());
  ASSERT_TRUE(full.Connected());
  const Labels handshake = {{"family", "ipv4"}, {"state", "syn_sent"}};
  const double before = program.Value("tcp_retransmits_total", handshake);
  std::vector<UniqueFd> clients;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < kWaiting; ++i) {
    clients.push_back(Socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK));
    ASSERT_FALSE(full.Connect(clients.back()));
  }
  const double growth = program.Growth("tcp_retransmits_total", handshake, before, kWaiting);
  EXPECT_GE(growth, kWaiting);
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began;
  EXPECT_LE(growth, kWaiting * (1 + passed.count())) << "more than once a second";
}

TEST_F(Shipped, TcpRetransmitCountsMappedAddressesAsIpv4) {
  constexpr int kWaiting = 8;
  ProgramUnderTest program("tcp-retransmit");
  ASSERT_TRUE(program.serves()) << program.log();
  Listener full(AF_INET, 0);
  ASSERT_TRUE(full.listens());
  ASSERT_TRUE(full.Connected());
  const Labels handshake = {{"family", "ipv4"}, {"state", "syn_sent"}};
  const double before = program.Value("tcp_retransmits_total", handshake);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < kWaiting; ++i) {
    clients.push_back(Socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK));
    if (!clients.back()) GTEST_SKIP() << "no IPv6";
    ASSERT_FALSE(full.ConnectMapped(clients.back()));
  }
  EXPECT_GE(program.Growth("tcp_retransmits_total", handshake, before, kWaiting), kWaiting);
}

// A listener that waits for data, which never come, sends its half of the handshake again.
TEST_F(Shipped, TcpRetransmitCountsMappedHandshakesAsIpv4) {
  constexpr int kWaiting = 8;
  ProgramUnderTest program("tcp-retransmit");
  ASSERT_TRUE(program.serves()) << program.log();
  Listener listener(AF_INET6, kWaiting, in6addr_any);
  if (!listener.listens()) GTEST_SKIP() << "no IPv6";
  ASSERT_TRUE(listener.WaitForData(std::chrono::seconds(1)));
  const Labels handshake = {{"family", "ipv4"}, {"state", "syn_recv"}};
  const double before = program.Value("tcp_retransmits_total", handshake);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < kWaiting; ++i) {
    clients.push_back(Socket(AF_INET, SOCK_STREAM));
    ASSERT_TRUE(listener.ConnectIpv4(clients.back()));
  }
  EXPECT_GE(program.Growth("tcp_retransmits_total", handshake, before, kWaiting), kWaiting);
}

TEST_F(Shipped, PacketDrops) {
  constexpr int kPackets = 60;
  ProgramUnderTest program("packet-drops");
  ASSERT_TRUE(program.serves()) << program.log();
  const Labels nobody = {{"reason", "NO_SOCKET"}};
  const double before = program.Value("packet_drops_total", nobody);
  SendDatagrams(kPackets, IPPROTO_UDP);
  const double growth = program.Growth("packet_drops_total", nobody, before, kPackets);
  EXPECT_GE(growth, kPackets);
  EXPECT_LE(growth, kPackets * kOthers);
}

TEST_F(Shipped, Xdp) {
  constexpr int kPackets = 20;
  constexpr int kOspf = 89;  // which nobody speaks to himself
  ProgramUnderTest program("xdp");
  ASSERT_TRUE(program.serves()) << program.log();
  SendDatagrams(kPackets, kOspf, SOCK_RAW);
  EXPECT_EQ(program.Growth("xdp_packets_total", {{"protocol", "ospf"}}, 0, kPackets), kPackets);
  EXPECT_GT(program.Value("xdp_packets_total", {{"protocol", "tcp"}}), 0) << "our own scrapes";
}

TEST_F(Shipped, SoftirqLatency) {
  constexpr int kPackets = 2000;
  ProgramUnderTest program("softirq-latency");
  ASSERT_TRUE(program.serves()) << program.log();
  const Labels receive = {{"kind", "net_rx"}};
  const double served = program.Value("softirq_service_latency_seconds_count", receive);
  const double waited = program.Value("softirq_entry_latency_seconds_count", receive);
  SendDatagrams(kPackets, IPPROTO_UDP);
  // A busy CPU takes a few packets at once.
  constexpr double kAtLeast = kPackets * 0.5;
  EXPECT_GE(program.Growth("softirq_service_latency_seconds_count", receive, served, kAtLeast),
            kAtLeast);
  EXPECT_GE(program.Growth("softirq_entry_latency_seconds_count", receive, waited, kAtLeast),
            kAtLeast);
  EXPECT_GT(program.Value("softirq_service_latency_seconds_sum", receive), 0);
}

// A time that is ahead counts as pending, so that the next soft interrupt of its kind takes it.
TEST_F(Shipped, SoftirqLatencySurvivesSkewedClocks) {
  ProgramUnderTest program("softirq-latency");
  ASSERT_TRUE(program.serves()) << program.log();
  const Labels receive = {{"kind", "net_rx"}};
  ASSERT_GE(program.MoveTimesAhead("times"), 1);
  const double waited = program.Value("softirq_entry_latency_seconds_count", receive);
  SendDatagrams(2000, IPPROTO_UDP);
  EXPECT_GE(program.Growth("softirq_entry_latency_seconds_count", receive, waited, 1), 1);
  EXPECT_TRUE(program.HasPlausibleSum("softirq_entry_latency_seconds")) << program.Scrape();
  EXPECT_TRUE(program.HasPlausibleSum("softirq_service_latency_seconds")) << program.Scrape();
}

TEST_F(Shipped, Timers) {
  constexpr int kStarts = 40;
  ProgramUnderTest program("timers");
  ASSERT_TRUE(program.serves()) << program.log();
  Listener listener(AF_INET, 1);
  ASSERT_TRUE(listener.listens());
  const UniqueFd client = listener.Connected();
  ASSERT_TRUE(client);
  const Labels keepalive = {{"function", "tcp_keepalive_timer"}};
  const double before = program.Value("timer_starts_total", keepalive);
  for (int i = 0; i < 2 * kStarts; ++i) {
    const int on = i % 2 == 0;
    ASSERT_EQ(setsockopt(client.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)), 0);
  }
  const double growth = program.Growth("timer_starts_total", keepalive, before, kStarts);
  EXPECT_GE(growth, kStarts);
  EXPECT_LE(growth, kStarts * kOthers);
}

}  // namespace
}  // namespace bpftally
