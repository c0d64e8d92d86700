#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "http/listen_socket.h"

namespace bpftally {

inline constexpr std::string_view kUnixPrefix = "unix:";

// Listens on "unix:/PATH", a socket file of mode 0600: only this user and root can connect. A file
// that a server left behind is replaced. The file stays at the end.
Result<ListenSocket> ListenOnUnixSocket(const std::string& address);

}  // namespace bpftally
