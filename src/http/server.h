#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace bpftally {

struct HttpRequest {
  std::string_view method;  // one of the route's
  std::string_view path;    // without the query
  // Return every value of a query key, in order; of a header, the first.
  std::function<std::vector<std::string>(std::string_view key)> query;
  std::function<std::string_view(std::string_view name)> header;
};

// A text that may be sent to several clients at once.
class HttpBody {
 public:
  HttpBody(std::string text = {}) : text_(std::make_shared<const std::string>(std::move(text))) {}
  HttpBody(const char* text) : HttpBody(std::string(text)) {}
  HttpBody(std::shared_ptr<const std::string> text) : text_(std::move(text)) {}

  const std::string& operator*() const { return *text_; }

 private:
  std::shared_ptr<const std::string> text_;  // never null
};

struct HttpResponse {
  int status = 200;
  HttpBody body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  // Content-Type and the like
};

// Called on the thread of a connection, several at once; must be thread-safe, and has a stack of
// 256 KiB. An exception is answered 500. What the request's functions return lives as long as the
// request.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// Several routes may share a path if no method is in two of them. A path without the request's
// method is answered 405. No handler sees a request body: up to 64 KiB are read and dropped, and a
// longer one ends the connection.
struct HttpRoute {
  std::string path;  // exact match
  HttpHandler handler;
  bool limited = false;  // counts against max_requests
  std::vector<std::string> methods = {"GET", "HEAD"};
};

struct HttpServerOptions {
  std::vector<std::string> listen_addresses = {
      ":9435"};  // "host:port", ":port", "[v6]:port"; port 0 takes a free one
  // How many requests of limited routes run at once, each until its response is sent. One more
  // takes the place of the one whose response is next to time out; if all handlers are at work, it
  // is answered 503. 0: no limit.
  unsigned max_requests = 40;
  // For each address. When three quarters of them wait for their client, the one that is next to
  // time out makes room for the next that comes, so that idle connections keep nobody out.
  unsigned max_connections = 512;
  // Ends a connection that makes no progress for this time, that has not sent a whole request this
  // long after it was opened or last answered, or that takes ten times as long to fetch a response.
  // 0: never.
  std::chrono::seconds connection_timeout{30};
};

// An HTTP/1.1 server on libmicrohttpd. A slow handler never delays another request.
class HttpServer {
 public:
  // Binds every address before it serves any; the error names the address and says what to do (it
  // is in use, needs a permission, or is not of this host).
  static Result<std::unique_ptr<HttpServer>> Start(HttpServerOptions options,
                                                   std::vector<HttpRoute> routes);
  virtual ~HttpServer() = default;  // stops listening, ends open connections, waits for handlers

  // The addresses as bound, such as "127.0.0.1:9435", with the ports that were really taken.
  virtual const std::vector<std::string>& addresses() const = 0;
};

}  // namespace bpftally
