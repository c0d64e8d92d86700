#include "daemon/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/unique_fd.h"

namespace bpftally {
namespace {

// What arrives at a socket of that name ('@' in front: abstract) when we are told of it.
std::string Arrives(const std::string& name) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);

  setenv("NOTIFY_SOCKET", name.c_str(), 1);
  NotifyServiceManager("READY=1");
  unsetenv("NOTIFY_SOCKET");
  std::array<char, 64> buffer{};
  const ssize_t received = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
  return received < 0 ? "nothing" : std::string(buffer.data(), static_cast<size_t>(received));
}

TEST(ServiceManager, HearsOfUsOverAFile) {
  const std::string path = testing::TempDir() + "notify." + std::to_string(getpid());
  EXPECT_EQ(Arrives(path), "READY=1");
  unlink(path.c_str());
}

TEST(ServiceManager, HearsOfUsOverAnAbstractName) {
  EXPECT_EQ(Arrives("@bpftally-test." + std::to_string(getpid())), "READY=1");
}

TEST(ServiceManager, IsNotNeeded) {
  unsetenv("NOTIFY_SOCKET");
  NotifyServiceManager("READY=1");
  setenv("NOTIFY_SOCKET", (testing::TempDir() + std::string(200, 'x')).c_str(), 1);
  NotifyServiceManager("READY=1");
  unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace bpftally
