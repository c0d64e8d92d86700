#include "http/listen_socket.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace bpftally {
namespace {

struct HostPort {
  std::string host;  // empty: every interface
  std::string port;
};

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Error CannotListen(ErrorKind kind, int sys_errno, std::string_view address, std::string_view why) {
  return {kind, sys_errno, fmt::format("cannot listen on \"{}\": {}", address, why)};
}

bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<HostPort> Split(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || !IsPort(address.substr(colon + 1))) return std::nullopt;
  std::string_view host = address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // Without brackets "::1:80" could be an address, or an address and a port.
  if (bracketed != host.contains(':') || host.find_first_of("[]") != host.npos) return std::nullopt;
  return HostPort{std::string(host), std::string(address.substr(colon + 1))};
}

Result<AddressList> Resolve(const std::string& host, const HostPort& wanted,
                            const std::string& address) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int failure = getaddrinfo(host.c_str(), wanted.port.c_str(), &hints, &list);
  if (failure == 0) return AddressList(list, &freeaddrinfo);
  return std::unexpected(CannotListen(
      ErrorKind::kInvalid, 0, address,
      fmt::format("\"{}\" does not resolve: {}; give an address of this host, or only \":{}\" for "
                  "every interface",
                  host, gai_strerror(failure), wanted.port)));
}

// Returns 0, or the errno of the step that failed.
int BindAndListen(const addrinfo& where, UniqueFd& fd) {
  fd.Reset(socket(where.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  const int on = 1;
  const int off = 0;
  if (setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) return errno;
  // "::" serves IPv4 as well, whatever net.ipv6.bindv6only says.
  if (where.ai_family == AF_INET6 &&
      setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0) {
    return errno;
  }
  if (bind(fd.get(), where.ai_addr, where.ai_addrlen) != 0) return errno;
  return listen(fd.get(), SOMAXCONN) == 0 ? 0 : errno;
}

// True if the kernel was built, booted or set up without this address family, or if the address is
// not of this host.
bool TryNextAddress(int sys_errno) {
  return sys_errno == EAFNOSUPPORT || sys_errno == EADDRNOTAVAIL;
}

Error BindError(int sys_errno, const std::string& address) {
  switch (sys_errno) {
    case EADDRINUSE:
      return CannotListen(ErrorKind::kInvalid, sys_errno, address,
                          "another process listens there: stop it or choose another with "
                          "--web.listen-address");
    case EADDRNOTAVAIL:
      return CannotListen(ErrorKind::kInvalid, sys_errno, address,
                          "not an address of this host: choose one that \"ip address\" lists, or "
                          "only \":PORT\" for every interface");
    case EAFNOSUPPORT:
      return CannotListen(ErrorKind::kUnsupported, sys_errno, address,
                          "this host has no IPv6: choose an IPv4 address");
    case EACCES:
    case EPERM:
      return CannotListen(
          ErrorKind::kPermission, sys_errno, address,
          "no permission: a port below 1024 needs CAP_NET_BIND_SERVICE, or choose a "
          "higher one with --web.listen-address");
    default:
      return ErrnoError(sys_errno, fmt::format("cannot listen on \"{}\"", address));
  }
}

Result<std::string> BoundAddress(const UniqueFd& fd) {
  sockaddr_storage storage = {};
  socklen_t length = sizeof(storage);
  auto* bound = reinterpret_cast<sockaddr*>(&storage);
  std::array<char, NI_MAXHOST> host = {};
  std::array<char, NI_MAXSERV> port = {};
  if (getsockname(fd.get(), bound, &length) != 0) {
    return std::unexpected(ErrnoError(errno, "getsockname"));
  }
  if (const int failure = getnameinfo(bound, length, host.data(), host.size(), port.data(),
                                      port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
      failure != 0) {
    return std::unexpected(
        Error{ErrorKind::kInternal, 0, fmt::format("getnameinfo: {}", gai_strerror(failure))});
  }
  const bool v6 = storage.ss_family == AF_INET6;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", host.data(), v6 ? "]" : "", port.data());
}

// Returns the socket, or the errno of the last address tried.
std::expected<UniqueFd, int> BindFirst(const addrinfo* list) {
  int failure = EADDRNOTAVAIL;
  for (; list != nullptr; list = list->ai_next) {
    UniqueFd fd;
    failure = BindAndListen(*list, fd);
    if (failure == 0) return fd;
    if (!TryNextAddress(failure)) break;
  }
  return std::unexpected(failure);
}

Result<ListenSocket> ListenOn(const std::string& host, const HostPort& wanted,
                              const std::string& address) {
  auto list = Resolve(host, wanted, address);
  if (!list) return std::unexpected(std::move(list.error()));
  auto fd = BindFirst(list->get());
  if (!fd) return std::unexpected(BindError(fd.error(), address));
  auto bound = BoundAddress(*fd);
  if (!bound) return std::unexpected(Wrap(std::move(bound.error()), address));
  return ListenSocket{std::move(*fd), std::move(*bound)};
}

}  // namespace

Result<ListenSocket> Listen(const std::string& address) {
  const auto wanted = Split(address);
  if (!wanted) {
    return std::unexpected(CannotListen(
        ErrorKind::kInvalid, 0, address,
        "expected HOST:PORT, [IPV6]:PORT or :PORT, with a port from 0 (a free one) to 65535"));
  }
  if (!wanted->host.empty()) return ListenOn(wanted->host, *wanted, address);
  auto dual_stack = ListenOn("::", *wanted, address);
  if (dual_stack || !TryNextAddress(dual_stack.error().sys_errno)) return dual_stack;
  return ListenOn("0.0.0.0", *wanted, address);
}

}  // namespace bpftally
