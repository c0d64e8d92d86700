#include "http/unix_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bpftally {
namespace {

std::unexpected<Error> CannotListen(int sys_errno, const std::string& address,
                                    std::string_view why) {
  const bool refused = sys_errno == EACCES || sys_errno == EPERM;
  const ErrorKind kind = refused ? ErrorKind::kPermission : ErrorKind::kInvalid;
  return std::unexpected(
      Error{kind, sys_errno, fmt::format("cannot listen on \"{}\": {}", address, why)});
}

UniqueFd NewSocket() {
  return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

const sockaddr* Generic(const sockaddr_un& where) {
  return reinterpret_cast<const sockaddr*>(&where);
}

// Removes a socket file on which nobody listens. Anything else stays, and bind() fails.
void RemoveLeftover(const sockaddr_un& where) {
  struct stat file = {};
  if (lstat(where.sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) return;
  const UniqueFd fd = NewSocket();
  if (fd && connect(fd.get(), Generic(where), sizeof(where)) != 0 && errno == ECONNREFUSED)
    unlink(where.sun_path);
}

// Returns 0, or the errno of the step that failed. The file gets the mode that the socket has when
// it is bound, so there is no moment at which others could connect.
int BindAndListen(const sockaddr_un& where, const UniqueFd& fd) {
  if (!fd || fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0) return errno;
  if (bind(fd.get(), Generic(where), sizeof(where)) != 0) return errno;
  return listen(fd.get(), SOMAXCONN) == 0 ? 0 : errno;
}

std::string Explain(int sys_errno) {
  switch (sys_errno) {
    case EADDRINUSE:
      return "another process listens there, or the file is no socket: choose another path with "
             "--web.listen-address";
    case ENOENT:
      return "the folder does not exist";
    default:
      return std::strerror(sys_errno);
  }
}

}  // namespace

Result<ListenSocket> ListenOnUnixSocket(const std::string& address) {
  const std::string_view path = std::string_view(address).substr(kUnixPrefix.size());
  sockaddr_un where = {};
  where.sun_family = AF_UNIX;
  if (!path.starts_with('/') || path.size() >= sizeof(where.sun_path))
    return CannotListen(0, address,
                        fmt::format("expected unix:/PATH with a path of at most {} bytes",
                                    sizeof(where.sun_path) - 1));
  std::ranges::copy(path, where.sun_path);
  RemoveLeftover(where);
  UniqueFd fd = NewSocket();
  if (const int failure = BindAndListen(where, fd); failure != 0)
    return CannotListen(failure, address, Explain(failure));
  return ListenSocket{std::move(fd), address};
}

}  // namespace bpftally
