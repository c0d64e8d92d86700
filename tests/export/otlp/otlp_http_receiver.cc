#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "base/unique_fd.h"
#include "export/otlp/otlp_receivers.h"

namespace bpftally::testing {
namespace {

std::string Gunzip(const std::string& data) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) throw std::runtime_error("inflateInit2");
  std::string text(size_t{8} << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int result = inflate(&stream, Z_FINISH);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("the body is no gzip");
  return text;
}

}  // namespace

class HttpReceiver::Impl {
 public:
  explicit Impl(Script script)
      : script_(std::move(script)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_.get(), generic, size) != 0 || listen(listener_.get(), 16) != 0 ||
        getsockname(listener_.get(), generic, &size) != 0)
      throw std::runtime_error("cannot listen");
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& end) { Run(end); });
  }

  int port() const { return port_; }

  std::vector<Received> received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }

  int connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
  }

 private:
  static bool Readable(int fd, const std::stop_token& end) {
    pollfd poller{fd, POLLIN, 0};
    while (!end.stop_requested()) {
      if (poll(&poller, 1, 10) == 1) return true;
    }
    return false;
  }

  // Serves one connection at a time: a client has only one.
  void Run(const std::stop_token& end) {
    while (Readable(listener_.get(), end)) {
      const UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      {
        const std::lock_guard lock(mutex_);
        ++connections_;
      }
      input_.clear();
      while (Serve(connection.get(), end)) {
      }
    }
  }

  bool ReadMore(int fd, const std::stop_token& end) {
    if (!Readable(fd, end)) return false;
    std::array<char, 65536> chunk{};
    const ssize_t size = recv(fd, chunk.data(), chunk.size(), 0);
    if (size <= 0) return false;
    input_.append(chunk.data(), static_cast<size_t>(size));
    return true;
  }

  std::optional<Received> ReadRequest(int fd, const std::stop_token& end) {
    while (!input_.contains("\r\n\r\n")) {
      if (!ReadMore(fd, end)) return std::nullopt;
    }
    Received request;
    const size_t head = input_.find("\r\n\r\n");
    std::istringstream lines(input_.substr(0, head));
    std::string line;
    std::getline(lines, line);
    request.target = line.substr(0, line.rfind(' '));
    while (std::getline(lines, line)) {
      if (line.ends_with('\r')) line.pop_back();
      std::string name = line.substr(0, line.find(':'));
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      const size_t value = line.find_first_not_of(' ', name.size() + 1);
      request.headers.emplace_back(name, value == std::string::npos ? "" : line.substr(value));
    }
    input_.erase(0, head + 4);
    const size_t length = std::stoul("0" + request.Header("content-length"));
    while (input_.size() < length) {
      if (!ReadMore(fd, end)) return std::nullopt;
    }
    request.message = input_.substr(0, length);
    input_.erase(0, length);
    if (request.Header("content-encoding") == "gzip") request.message = Gunzip(request.message);
    return request;
  }

  bool Serve(int fd, const std::stop_token& end) {
    const auto request = ReadRequest(fd, end);
    if (!request) return false;
    {
      const std::lock_guard lock(mutex_);
      received_.push_back(*request);
    }
    const std::string answer = script_(*request);
    if (answer.empty()) return Readable(fd, end) && false;
    return send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) > 0 &&
           !answer.contains("Connection: close");
  }

  const Script script_;
  const UniqueFd listener_;
  int port_ = 0;
  std::string input_;
  mutable std::mutex mutex_;
  std::vector<Received> received_;
  int connections_ = 0;
  std::jthread thread_;  // last: it uses all members above
};

HttpReceiver::HttpReceiver(Script script) : impl_(std::make_unique<Impl>(std::move(script))) {}
HttpReceiver::~HttpReceiver() = default;

std::string HttpReceiver::url() const {
  return "http://127.0.0.1:" + std::to_string(impl_->port()) + "/v1/metrics";
}
std::vector<Received> HttpReceiver::received() const { return impl_->received(); }
int HttpReceiver::connections() const { return impl_->connections(); }

std::string HttpAnswerText(const std::string& status, const std::string& headers,
                           const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace bpftally::testing
