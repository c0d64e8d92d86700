#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace bpftally::testing {

struct CaseInsensitive {
  bool operator()(const std::string& a, const std::string& b) const {
    return strcasecmp(a.c_str(), b.c_str()) < 0;
  }
};

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string, CaseInsensitive> headers;
  std::string body;
};

// One plain loopback connection. Throws if the server does not do its part within kPatience.
class HttpClient {
 public:
  static constexpr std::chrono::seconds kPatience{30};

  // Connects to the port of "host:port" or "[v6]:port", always on loopback.
  explicit HttpClient(std::string_view address, int family = AF_INET)
      : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const in_port_t port = htons(PortOf(address));
    sockaddr_in v4 = {};
    v4.sin_family = AF_INET;
    v4.sin_port = port;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6 = {};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = port;
    v6.sin6_addr = in6addr_loopback;
    const int failure = family == AF_INET
                            ? connect(fd_.get(), reinterpret_cast<sockaddr*>(&v4), sizeof(v4))
                            : connect(fd_.get(), reinterpret_cast<sockaddr*>(&v6), sizeof(v6));
    if (failure != 0) throw std::runtime_error("cannot connect");
  }

  static uint16_t PortOf(std::string_view address) {
    uint16_t port = 0;
    const std::string_view text = address.substr(address.rfind(':') + 1);
    std::from_chars(text.data(), text.data() + text.size(), port);
    return port;
  }

  int fd() const { return fd_.get(); }

  // Returns false if the server has closed the connection.
  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  void SendRequest(std::string_view target, std::string_view method = "GET",
                   std::string_view headers = "", std::string_view body = "") const {
    std::string text(method);
    text.append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n").append(headers);
    Send(text.append("\r\n").append(body));
  }

  HttpAnswer Receive(bool has_body = true) {
    while (!input_.contains("\r\n\r\n")) ReadMore();
    HttpAnswer answer = TakeHead();
    if (!has_body) return answer;
    const size_t length = std::stoul(answer.headers.at("Content-Length"));
    while (input_.size() < length) ReadMore();
    answer.body = input_.substr(0, length);
    input_.erase(0, length);
    return answer;
  }

  HttpAnswer Fetch(std::string_view target, std::string_view method = "GET",
                   std::string_view headers = "") {
    SendRequest(target, method, headers);
    return Receive(method != "HEAD");
  }

  // Tells whether there is something to read, or the end, within the time.
  bool Readable(std::chrono::milliseconds within) const {
    pollfd poller = {fd_.get(), POLLIN, 0};
    return poll(&poller, 1, static_cast<int>(within.count())) == 1;
  }

  // Reads until the server closes the connection.
  std::string ReadToEnd() {
    while (ReadSome()) {
    }
    return std::move(input_);
  }

  void FinishSending() const { shutdown(fd_.get(), SHUT_WR); }

 private:
  bool ReadSome() {
    if (!Readable(kPatience)) throw std::runtime_error("the server neither answers nor closes");
    std::array<char, 65536> chunk;
    const ssize_t size = recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (size <= 0) return false;
    input_.append(chunk.data(), static_cast<size_t>(size));
    return true;
  }

  void ReadMore() {
    if (!ReadSome()) throw std::runtime_error("closed in mid-answer, after: " + input_);
  }

  HttpAnswer TakeHead() {
    HttpAnswer answer;
    size_t end = input_.find("\r\n");
    answer.status = std::stoi(input_.substr(input_.find(' ')));
    for (size_t at = end + 2; (end = input_.find("\r\n", at)) != at; at = end + 2) {
      const size_t colon = input_.find(": ", at);
      answer.headers[input_.substr(at, colon - at)] = input_.substr(colon + 2, end - colon - 2);
    }
    input_.erase(0, end + 2);
    return answer;
  }

  UniqueFd fd_;
  std::string input_;
};

}  // namespace bpftally::testing
