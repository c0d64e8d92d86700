#include "e2e/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <sstream>

#include "base/unique_fd.h"

namespace bpftally {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::string ReadToEnd(int fd) {
  std::string text;
  std::array<char, 16384> block{};
  for (ssize_t got = 0; (got = recv(fd, block.data(), block.size(), 0)) > 0;)
    text.append(block.data(), static_cast<size_t>(got));
  return text;
}

HttpAnswer Parse(const std::string& text) {
  HttpAnswer answer;
  const size_t head = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.") || head == std::string::npos) return answer;
  answer.status = std::atoi(text.c_str() + sizeof("HTTP/1.1"));
  answer.body = text.substr(head + 4);
  std::istringstream lines(text.substr(0, head));
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (line.ends_with('\r')) line.pop_back();
    answer.headers[name] = line.substr(colon + 2);
  }
  return answer;
}

}  // namespace

int Connect(int port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{30, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  const sockaddr_in address = Loopback(port);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return -1;
  return fd.Release();
}

HttpAnswer HttpGet(int port, const std::string& path, const HttpHeaders& headers) {
  return HttpAsk(port, "GET", path, headers);
}

HttpAnswer HttpAsk(int port, const std::string& method, const std::string& path,
                   const HttpHeaders& headers) {
  const UniqueFd fd(Connect(port));
  if (!fd) return {};
  std::string request = method + " " + path + " HTTP/1.0\r\nHost: 127.0.0.1\r\n";
  for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
  request += "\r\n";
  if (send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
  return Parse(ReadToEnd(fd.get()));
}

int FreePort() {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return 0;
  return ntohs(address.sin_port);
}

}  // namespace bpftally
