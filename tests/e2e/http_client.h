#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bpftally {

struct HttpAnswer {
  int status = 0;                              // 0: no answer
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// Asks 127.0.0.1:port over HTTP/1.0, each time on a connection of its own; gives up after half a
// minute of silence.
HttpAnswer HttpGet(int port, const std::string& path, const HttpHeaders& headers = {});
HttpAnswer HttpAsk(int port, const std::string& method, const std::string& path,
                   const HttpHeaders& headers = {});

// A port of 127.0.0.1 that was free just now, for programs that cannot take port 0.
int FreePort();

// A connection to 127.0.0.1:port that says nothing; the descriptor is the caller's.
int Connect(int port);

}  // namespace bpftally
