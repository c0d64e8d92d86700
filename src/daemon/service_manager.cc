#include "daemon/service_manager.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/unique_fd.h"

namespace bpftally {
namespace {

Result<void> Send(std::string_view path, std::string_view state) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return std::unexpected(Error{ErrorKind::kInvalid, ENAMETOOLONG, "its path is too long"});
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';  // an abstract address
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());

  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return std::unexpected(ErrnoError(errno, "socket"));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, generic, size) < 0)
    return std::unexpected(ErrnoError(errno, "sendto"));
  return {};
}

}  // namespace

void NotifyServiceManager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return;
  if (const Result<void> sent = Send(path, state); !sent)
    spdlog::warn("cannot notify the service manager of {}: {}", state, sent.error().message);
}

}  // namespace bpftally
