#include "http/listen_socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include <array>
#include <fstream>
#include <thread>

#include "http/http_client.h"

namespace bpftally {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::HttpClient;
using ::testing::StartsWith;

bool HasIpv6Loopback() {
  const UniqueFd fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  return fd && bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

TEST(ListenSocket, TakesAFreePortAndReportsIt) {
  const auto socket = Listen("127.0.0.1:0");
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_THAT(socket->address, StartsWith("127.0.0.1:"));
  EXPECT_NE(HttpClient::PortOf(socket->address), 0);
  HttpClient client(socket->address);
}

TEST(ListenSocket, IsClosedOnExec) {
  const auto socket = Listen("127.0.0.1:0");
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_TRUE(fcntl(socket->fd.get(), F_GETFD) & FD_CLOEXEC);
}

TEST(ListenSocket, ResolvesNames) {
  const auto socket = Listen("localhost:0");
  ASSERT_TRUE(socket) << socket.error().message;
}

TEST(ListenSocket, WithoutHostServesAllInterfaces) {
  const auto socket = Listen(":0");
  ASSERT_TRUE(socket) << socket.error().message;
  HttpClient over_ipv4(socket->address);
  if (!HasIpv6Loopback()) GTEST_SKIP() << "this machine has no IPv6 loopback address";
  EXPECT_THAT(socket->address, StartsWith("[::]:"));
  HttpClient over_ipv6(socket->address, AF_INET6);
}

TEST(ListenSocket, TakesAnIpv6AddressInBrackets) {
  if (!HasIpv6Loopback()) GTEST_SKIP() << "this machine has no IPv6 loopback address";
  const auto socket = Listen("[::1]:0");
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_THAT(socket->address, StartsWith("[::1]:"));
  HttpClient client(socket->address, AF_INET6);
}

TEST(ListenSocket, ReusesThePortOfAnEndedServer) {
  std::string address;
  {
    const auto first = Listen("127.0.0.1:0");
    ASSERT_TRUE(first) << first.error().message;
    address = first->address;
    const HttpClient client(address);
    // Our side closes first, so the connection stays in TIME_WAIT.
    const UniqueFd accepted(accept(first->fd.get(), nullptr, nullptr));
    ASSERT_TRUE(accepted);
  }
  const auto second = Listen(address);
  EXPECT_TRUE(second) << second.error().message;
}

TEST(ListenSocket, ErrorSaysThatThePortIsInUse) {
  const auto first = Listen("127.0.0.1:0");
  ASSERT_TRUE(first) << first.error().message;
  const auto second = Listen(first->address);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(second.error().message,
              AllOf(HasSubstr(first->address), HasSubstr("another process listens there"),
                    HasSubstr("--web.listen-address")));
}

TEST(ListenSocket, ErrorNamesAForeignOrUnknownAddress) {
  const auto foreign = Listen("192.0.2.1:0");  // reserved for documentation
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message,
              AllOf(HasSubstr("192.0.2.1:0"), HasSubstr("not an address of this host")));
  // Too long for a DNS label, so that no name server is asked.
  const auto nameless = Listen(std::string(300, 'a') + ":0");
  ASSERT_FALSE(nameless);
  EXPECT_EQ(nameless.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(nameless.error().message, HasSubstr("does not resolve"));
}

TEST(ListenSocket, ErrorSaysWhatWasExpected) {
  for (const char* address :
       {"", "9435", "localhost", "localhost:", ":http", ":65536", ":-1", ":+1", "::1:9435", "[::1]",
        "[]:9435", "[::1:9435", "[localhost]:1", "localhost:1x", "[[::1]]:1"}) {
    const auto socket = Listen(address);
    ASSERT_FALSE(socket) << address;
    EXPECT_EQ(socket.error().kind, ErrorKind::kInvalid) << address;
    EXPECT_THAT(socket.error().message,
                AllOf(HasSubstr("\"" + std::string(address) + "\""),
                      HasSubstr("expected HOST:PORT, [IPV6]:PORT or :PORT")));
  }
}

// Drops the capabilities of this thread only; other threads keep theirs.
void DropCapabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none = {};
  ASSERT_EQ(syscall(SYS_capset, &header, none.data()), 0);
}

TEST(ListenSocket, ErrorSaysWhatAPrivilegedPortNeeds) {
  int first_free_to_all = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first_free_to_all;
  if (first_free_to_all < 2) GTEST_SKIP() << "net.ipv4.ip_unprivileged_port_start opens every port";
  std::thread([] {
    DropCapabilities();
    const auto socket = Listen("127.0.0.1:1");
    ASSERT_FALSE(socket);
    EXPECT_EQ(socket.error().kind, ErrorKind::kPermission);
    EXPECT_THAT(socket.error().message,
                AllOf(HasSubstr("127.0.0.1:1"), HasSubstr("CAP_NET_BIND_SERVICE")));
  }).join();
}

}  // namespace
}  // namespace bpftally
