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

// GET of 127.0.0.1:port, HTTP/1.0, one connection each; gives up after half a minute of silence.
HttpAnswer HttpGet(int port, const std::string& path,
                   const std::vector<std::pair<std::string, std::string>>& headers = {});

// A port of 127.0.0.1 that was free just now, for programs that cannot take port 0.
int FreePort();

// A connection to 127.0.0.1:port that says nothing; the descriptor is the caller's.
int Connect(int port);

}  // namespace bpftally
