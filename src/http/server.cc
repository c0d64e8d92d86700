#include "http/server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <microhttpd.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <exception>
#include <utility>

#include "http/connection_watch.h"
#include "http/listen_socket.h"
#include "http/request_limit.h"

namespace bpftally {
namespace {

// A stack costs only the memory pages that are touched; the rest is address space.
constexpr size_t kThreadStackBytes = size_t{256} * 1024;
// Buffer of one connection; the library answers a request head that does not fit with a 4xx. It
// takes up to 32 KiB from malloc, which keeps them when the connection is gone, and maps more.
constexpr size_t kConnectionBytes = size_t{36} * 1024;
// No route reads a body. A small one is read and dropped, so that the client sees the answer and
// not a reset connection; a bigger one ends the connection.
constexpr size_t kMaxBodyBytes = size_t{64} * 1024;
// A response is large and may have to cross a slow line, so its deadline is a multiple of the
// connection time-out; it only stops readers that fetch a byte at a time.
constexpr int kSendPatience = 10;
// A connection without a deadline is watched too: it may have to make room for another.
constexpr std::chrono::seconds kForEver = std::chrono::years(100);
// poll(2), because select(2) cannot wait for a descriptor above 1023. With the inter-thread channel
// (ITC) a connection that ended is cleaned up at once, not when the next one comes.
constexpr unsigned kDaemonFlags =
    MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC | MHD_USE_ERROR_LOG;

// The request keeps its slot until the last byte is sent or the client is cut off, so that the
// limit also bounds the memory of responses.
struct Reply {
  HttpResponse response;
  RequestLimit::Slot slot;
};

struct BodyCount {
  size_t bytes = 0;
};

int SocketOf(MHD_Connection* connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

// The kernel would keep what a client does not fetch, some megabytes, for minutes after the
// descriptor is closed: many clients that come again and again would take all memory.
void DropUnsentAtClose(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  static_cast<void>(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
}

struct QuerySearch {
  std::string_view key;
  std::vector<std::string> values;
};

// NOLINTNEXTLINE(readability-function-size): the library's signature
MHD_Result CollectValue(void* search, MHD_ValueKind, const char* key, size_t key_size,
                        const char* value, size_t value_size) {
  auto* into = static_cast<QuerySearch*>(search);
  if (into->key != std::string_view(key, key_size)) return MHD_YES;
  into->values.emplace_back(value == nullptr ? std::string_view()
                                             : std::string_view(value, value_size));
  return MHD_YES;
}

std::vector<std::string> QueryValues(MHD_Connection* connection, std::string_view key) {
  QuerySearch search{key, {}};
  MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, &CollectValue, &search);
  return std::move(search.values);
}

std::string_view HeaderValue(MHD_Connection* connection, std::string_view name) {
  const char* value = nullptr;
  size_t size = 0;
  const bool found = MHD_lookup_connection_value_n(connection, MHD_HEADER_KIND, name.data(),
                                                   name.size(), &value, &size) == MHD_YES;
  return found && value != nullptr ? std::string_view(value, size) : std::string_view();
}

// Logs at debug level, because a client can cause nearly all of these messages at will.
void LogOfLibrary(void*, const char* format, va_list arguments) {
  std::array<char, 512> line = {};
  if (std::vsnprintf(line.data(), line.size(), format, arguments) < 0) return;
  std::string_view text = line.data();
  text = text.substr(0, text.find_last_not_of('\n') + 1);
  spdlog::debug("HTTP: {}", text);
}

void AddHeader(MHD_Response* response, const std::string& name, const std::string& value) {
  if (MHD_add_response_header(response, name.c_str(), value.c_str()) == MHD_YES) return;
  spdlog::error("HTTP: not a valid response header: {}: {}", name, value);
}

MHD_Response* ToLibrary(const HttpResponse& reply) {
  auto body = std::make_unique<HttpBody>(reply.body);
  MHD_Response* response = MHD_create_response_from_buffer_with_free_callback_cls(
      (**body).size(), const_cast<char*>((**body).data()),
      [](void* sent) { delete static_cast<HttpBody*>(sent); }, body.get());
  if (response == nullptr) return nullptr;
  static_cast<void>(body.release());  // the response frees it
  for (const auto& [name, value] : reply.headers) AddHeader(response, name, value);
  if (MHD_get_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE) == nullptr) {
    AddHeader(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
  }
  AddHeader(response, "X-Content-Type-Options", "nosniff");
  return response;
}

HttpResponse RunHandler(const HttpRoute& route, const HttpRequest& request) {
  std::string why;
  try {
    return route.handler(request);
  } catch (const std::exception& exception) {
    why = exception.what();
  } catch (...) {
    why = "an exception of unknown type";
  }
  spdlog::error("HTTP: {} {} failed: {}", request.method, request.path, why);
  return {500, "internal error: the log says why\n"};
}

// The other quarter is for connections that come while those cut off for them are still closing.
size_t MaxWaiting(unsigned max_connections) { return max_connections - max_connections / 4; }

Reply Refusal(unsigned max_requests) {
  return {{503,
           fmt::format("{} requests are being answered, as many as --web.max-requests allows; try "
                       "again\n",
                       max_requests),
           {{"Retry-After", "1"}}},
          nullptr};
}

std::vector<std::string> MethodsOf(const std::vector<HttpRoute>& routes, std::string_view path) {
  std::vector<std::string> methods;
  for (const HttpRoute& route : routes)
    if (route.path == path)
      methods.insert(methods.end(), route.methods.begin(), route.methods.end());
  return methods;
}

// `methods`: those that the path has; none if there is no such path.
HttpResponse NotServed(const std::vector<std::string>& methods) {
  if (methods.empty()) return {404, "there is no such page\n"};
  const std::string allowed = fmt::format("{}", fmt::join(methods, ", "));
  return {405, fmt::format("this page takes {} only\n", allowed), {{"Allow", allowed}}};
}

// Runs a thread for each connection, so that a slow handler delays nobody but its own client, and
// one more for each address, which only accepts. max_connections bounds their number; the library's
// time-out (for silent clients) and the watch (for slow ones) bound their time. In a thread pool
// connections share workers, and one slow handler stalls all connections of its worker.
class MicrohttpdServer final : public HttpServer {
 public:
  MicrohttpdServer(HttpServerOptions options, std::vector<HttpRoute> routes)
      : options_(std::move(options)),
        routes_(std::move(routes)),
        limit_(options_.max_requests),
        watch_(MaxWaiting(options_.max_connections)) {}
  MicrohttpdServer(const MicrohttpdServer&) = delete;
  MicrohttpdServer& operator=(const MicrohttpdServer&) = delete;
  ~MicrohttpdServer() override;

  Result<void> Serve(ListenSocket socket);
  const std::vector<std::string>& addresses() const override { return addresses_; }

 private:
  // NOLINTNEXTLINE(readability-function-size): the library's signature
  static MHD_Result OnRequest(void* server, MHD_Connection* connection, const char* url,
                              const char* method, const char* version, const char* upload,
                              size_t* upload_size, void** body_count);
  static void OnConnection(void* server, MHD_Connection* connection, void** context,
                           MHD_ConnectionNotificationCode code);
  static void OnCompleted(void* server, MHD_Connection* connection, void** body_count,
                          MHD_RequestTerminationCode code);

  MHD_Result Answer(MHD_Connection* connection, std::string_view method, std::string_view path);
  Reply ReplyTo(const HttpRequest& request);
  RequestLimit::Slot EnterLimited();
  void Arm(MHD_Connection* connection, int factor, RequestLimit::Slot slot = nullptr);

  const HttpServerOptions options_;
  const std::vector<HttpRoute> routes_;
  std::vector<std::string> addresses_;
  RequestLimit limit_;
  ConnectionWatch watch_;
  std::vector<MHD_Daemon*> daemons_;
};

MicrohttpdServer::~MicrohttpdServer() {
  std::vector<UniqueFd> sockets;  // closed after the daemons' threads are gone
  sockets.reserve(daemons_.size());
  for (MHD_Daemon* daemon : daemons_) sockets.emplace_back(MHD_quiesce_daemon(daemon));
  for (MHD_Daemon* daemon : daemons_) MHD_stop_daemon(daemon);
}

Result<void> MicrohttpdServer::Serve(ListenSocket socket) {
  // The daemon owns the socket until it is quiesced, and closes it if it does not start.
  MHD_Daemon* daemon = MHD_start_daemon(
      kDaemonFlags, 0, nullptr, nullptr, &OnRequest, this,  //
      MHD_OPTION_EXTERNAL_LOGGER, &LogOfLibrary, nullptr,   // must come first
      MHD_OPTION_LISTEN_SOCKET, MHD_socket{socket.fd.Release()}, MHD_OPTION_NOTIFY_CONNECTION,
      &OnConnection, this,                                    //
      MHD_OPTION_NOTIFY_COMPLETED, &OnCompleted, this,        //
      MHD_OPTION_CONNECTION_LIMIT, options_.max_connections,  //
      MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(options_.connection_timeout.count()),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionBytes,  //
      MHD_OPTION_THREAD_STACK_SIZE, kThreadStackBytes, MHD_OPTION_END);
  if (daemon == nullptr) {
    return std::unexpected(Error{ErrorKind::kInternal, 0,
                                 fmt::format("cannot serve HTTP on {}: libmicrohttpd did not start "
                                             "(its reason is logged at level debug)",
                                             socket.address)});
  }
  daemons_.push_back(daemon);
  addresses_.push_back(std::move(socket.address));
  return {};
}

void MicrohttpdServer::Arm(MHD_Connection* connection, int factor, RequestLimit::Slot slot) {
  const auto patience = factor * options_.connection_timeout;
  watch_.Arm(SocketOf(connection), patience.count() > 0 ? patience : kForEver, std::move(slot));
}

void MicrohttpdServer::OnConnection(void* server, MHD_Connection* connection, void**,
                                    MHD_ConnectionNotificationCode code) {
  auto* self = static_cast<MicrohttpdServer*>(server);
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    self->Arm(connection, 1);
  } else {
    self->watch_.Disarm(SocketOf(connection));
  }
}

void MicrohttpdServer::OnCompleted(void* server, MHD_Connection* connection, void** body_count,
                                   MHD_RequestTerminationCode code) {
  delete static_cast<BodyCount*>(*body_count);
  if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK) DropUnsentAtClose(SocketOf(connection));
  static_cast<MicrohttpdServer*>(server)->Arm(connection,
                                              1);  // the next request's head has a deadline too
}

// Called once when the head is complete, for every chunk of a body, and once at the end.
// NOLINTNEXTLINE(readability-function-size)
MHD_Result MicrohttpdServer::OnRequest(void* server, MHD_Connection* connection, const char* url,
                                       const char* method, const char*, const char*,
                                       size_t* upload_size, void** body_count) {
  if (*body_count == nullptr) {
    *body_count = new BodyCount;
    return MHD_YES;
  }
  if (*upload_size != 0) {
    size_t& bytes = static_cast<BodyCount*>(*body_count)->bytes;
    bytes += std::exchange(*upload_size, 0);
    return bytes <= kMaxBodyBytes ? MHD_YES : MHD_NO;
  }
  return static_cast<MicrohttpdServer*>(server)->Answer(connection, method, url);
}

MHD_Result MicrohttpdServer::Answer(MHD_Connection* connection, std::string_view method,
                                    std::string_view path) {
  watch_.Disarm(SocketOf(connection));  // a handler may take as long as it wants
  const HttpRequest request{
      method, path, [connection](std::string_view key) { return QueryValues(connection, key); },
      [connection](std::string_view name) { return HeaderValue(connection, name); }};
  Reply reply = ReplyTo(request);
  const auto status = static_cast<unsigned>(reply.response.status);
  MHD_Response* response = ToLibrary(reply.response);
  if (response == nullptr) return MHD_NO;
  Arm(connection, kSendPatience, std::move(reply.slot));
  const MHD_Result queued = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);  // drops our reference only
  return queued;
}

// Takes the slot of a client that does not fetch its reply if none is free; never that of a handler
// at work.
RequestLimit::Slot MicrohttpdServer::EnterLimited() {
  RequestLimit::Slot slot = limit_.Enter();
  return slot != nullptr ? std::move(slot) : watch_.TakeSlot();
}

Reply MicrohttpdServer::ReplyTo(const HttpRequest& request) {
  const auto route = std::ranges::find_if(routes_, [&](const HttpRoute& candidate) {
    return candidate.path == request.path &&
           std::ranges::find(candidate.methods, request.method) != candidate.methods.end();
  });
  if (route == routes_.end()) return {NotServed(MethodsOf(routes_, request.path)), nullptr};
  RequestLimit::Slot slot = route->limited ? EnterLimited() : nullptr;
  if (route->limited && slot == nullptr) return Refusal(limit_.Max());
  HttpResponse response = RunHandler(*route, request);
  return {std::move(response), std::move(slot)};
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options,
                                                      std::vector<HttpRoute> routes) {
  std::vector<ListenSocket> sockets;
  for (const std::string& address : options.listen_addresses) {
    auto socket = Listen(address);
    if (!socket) return std::unexpected(std::move(socket.error()));
    sockets.push_back(std::move(*socket));
  }
  auto server = std::make_unique<MicrohttpdServer>(std::move(options), std::move(routes));
  for (ListenSocket& socket : sockets) {
    if (auto started = server->Serve(std::move(socket)); !started) {
      return std::unexpected(std::move(started.error()));
    }
  }
  return server;
}

}  // namespace bpftally
