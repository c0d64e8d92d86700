#include "http/unix_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "http/http_fixture.h"

namespace bpftally {
namespace {

using ::testing::HasSubstr;
using testing::Healthy;
using testing::HttpClient;
using testing::Serve;

class UnixSocket : public ::testing::Test {
 protected:
  UnixSocket() {
    std::string name = ::testing::TempDir() + "unix-socket-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~UnixSocket() override { std::filesystem::remove_all(folder_); }

  std::string Path() const { return folder_ + "/socket"; }
  std::string Address() const { return "unix:" + Path(); }

  HttpClient Connect() const {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un where = {};
    where.sun_family = AF_UNIX;
    std::ranges::copy(Path(), where.sun_path);
    if (connect(fd.get(), reinterpret_cast<sockaddr*>(&where), sizeof(where)) != 0)
      throw std::runtime_error("cannot connect");
    return HttpClient(std::move(fd));
  }

  std::string folder_;
};

TEST_F(UnixSocket, ServesHttp) {
  const auto server = Serve({Healthy()}, {.listen_addresses = {Address(), "127.0.0.1:0"}});
  EXPECT_EQ(server->addresses().at(0), Address());
  HttpClient client = Connect();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Fetch("/-/healthy").status, 200);
  EXPECT_EQ(HttpClient(server->addresses().at(1)).Fetch("/-/healthy").status, 200);
}

TEST_F(UnixSocket, IsForItsOwnerOnlyWhateverTheUmask) {
  const mode_t before = umask(0);
  const auto listening = Listen(Address());
  umask(before);
  ASSERT_TRUE(listening) << listening.error().message;
  struct stat file = {};
  ASSERT_EQ(stat(Path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST_F(UnixSocket, ReplacesTheFileOfAServerThatEnded) {
  ASSERT_TRUE(Listen(Address()));
  ASSERT_TRUE(std::filesystem::exists(Path()));
  const auto second = Listen(Address());
  EXPECT_TRUE(second) << second.error().message;
}

TEST_F(UnixSocket, KeepsTheFileOfAServerThatRuns) {
  const auto server = Serve({Healthy()}, {.listen_addresses = {Address()}});
  const auto second = Listen(Address());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another process listens there"));
  EXPECT_EQ(Connect().Fetch("/-/healthy").status, 200);
}

TEST_F(UnixSocket, KeepsAFileThatIsNoSocket) {
  std::ofstream(Path()) << "precious";
  EXPECT_FALSE(Listen(Address()));
  EXPECT_TRUE(std::filesystem::is_regular_file(Path()));
}

TEST_F(UnixSocket, SaysWhatItExpected) {
  for (const std::string& address :
       {std::string("unix:"), std::string("unix:relative"), "unix:/" + std::string(200, 'x')}) {
    const auto listening = Listen(address);
    ASSERT_FALSE(listening) << address;
    EXPECT_EQ(listening.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(listening.error().message, HasSubstr("expected unix:/PATH"));
  }
  const auto homeless = Listen("unix:" + folder_ + "/none/socket");
  ASSERT_FALSE(homeless);
  EXPECT_THAT(homeless.error().message, HasSubstr("the folder does not exist"));
}

}  // namespace
}  // namespace bpftally
