#pragma once

#include <spdlog/spdlog.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "http/http_client.h"
#include "http/server.h"

namespace bpftally::testing {

inline HttpServerOptions OnLoopback() { return {.listen_addresses = {"127.0.0.1:0"}}; }

inline std::unique_ptr<HttpServer> Serve(std::vector<HttpRoute> routes,
                                         HttpServerOptions options = OnLoopback()) {
  // Makes the logger here, as SetUpLogging does in the daemon. ThreadSanitizer cannot see into the
  // library, which would otherwise make it in the thread that logs first.
  spdlog::default_logger_raw();
  auto server = HttpServer::Start(std::move(options), std::move(routes));
  if (!server) throw std::runtime_error(server.error().message);
  return std::move(*server);
}

inline HttpRoute Healthy() {
  return {"/-/healthy", [](const HttpRequest&) { return HttpResponse{.body = "healthy\n"}; }};
}

inline HttpRoute Returning(std::string body) {
  return {"/", [body = std::move(body)](const HttpRequest&) { return HttpResponse{.body = body}; }};
}

inline bool Serves(const HttpServer& server) {
  return HttpClient(server.addresses().at(0)).Fetch("/-/healthy").status == 200;
}

// Waits for something that another thread is about to do.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + HttpClient::kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace bpftally::testing
