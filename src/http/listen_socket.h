#pragma once

#include <string>

#include "base/error.h"
#include "base/unique_fd.h"

namespace bpftally {

struct ListenSocket {
  UniqueFd fd;          // bound, listening, non-blocking, close-on-exec
  std::string address;  // as bound: "127.0.0.1:9435", "[::]:9435"
};

// Binds "host:port", "[v6]:port" or ":port" (every interface; one socket for IPv6 and IPv4 if the
// host has IPv6) and listens there. Port 0 takes a free port. If a name has several addresses, the
// first that this host can bind is taken.
Result<ListenSocket> Listen(const std::string& address);

}  // namespace bpftally
