// Tests the server's limits (requests, connections, sizes, time) and its shutdown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>

#include "base/own_process.h"
#include "http/http_fixture.h"

namespace bpftally {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): literals only
using ::testing::AnyOf;
using testing::Eventually;
using testing::Healthy;
using testing::HttpAnswer;
using testing::HttpClient;
using ::testing::IsEmpty;
using ::testing::Lt;
using testing::OnLoopback;
using testing::Returning;
using testing::Serve;
using testing::Serves;
using ::testing::SizeIs;
using ::testing::StartsWith;

using std::chrono::steady_clock;

constexpr size_t kMuch = 16'000'000;  // more than socket buffers hold

HttpRoute Limited(HttpRoute route) {
  route.limited = true;
  return route;
}

bool WasReset(const HttpClient& client) {
  pollfd poller = {client.fd(), 0, 0};
  return poll(&poller, 1, 0) == 1 && (poller.revents & POLLERR) != 0;
}

// Requests `kMuch` and does not read it; returns once it is being sent.
HttpClient SlowReader(const HttpServer& server) {
  HttpClient client(server.addresses().at(0));
  client.SendRequest("/");
  EXPECT_TRUE(client.Readable(HttpClient::kPatience));
  return client;
}

TEST(HttpServerLimits, EndsTheConnectionOfABigBody) {
  const auto server = Serve({Healthy()});
  HttpClient client(server->addresses().at(0));
  client.SendRequest("/-/healthy", "POST", "Content-Length: 1000000000\r\n");
  size_t sent = 0;
  const std::string chunk(16384, 'x');
  while (client.Send(chunk)) ASSERT_LT(sent += chunk.size(), 100'000'000) << "reads without end";
  EXPECT_TRUE(Serves(*server));
}

TEST(HttpServerLimits, Fault19RefusesAboveMaxRequestsServesOtherRoutes) {
  std::latch release(1);
  HttpServerOptions options = OnLoopback();
  options.max_requests = 40;
  const auto server = Serve({{"/slow",
                              [&](const HttpRequest&) {
                                release.wait();
                                return HttpResponse{.body = "slow\n"};
                              },
                              true},
                             Healthy()},
                            options);
  std::vector<HttpClient> clients;
  for (int i = 0; i < 50; ++i) {
    clients.emplace_back(server->addresses().at(0)).SendRequest("/slow");
  }
  const auto answered = [&] {
    return std::ranges::count_if(clients, [](const auto& client) { return client.Readable(0ms); });
  };
  ASSERT_TRUE(Eventually([&] { return answered() == 10; })) << answered();

  const auto asked = steady_clock::now();
  EXPECT_TRUE(Serves(*server));
  EXPECT_LT(steady_clock::now() - asked, 20s);

  EXPECT_EQ(answered(), 10);
  release.count_down();
  int slow = 0;
  int refused = 0;
  for (HttpClient& client : clients) {
    const HttpAnswer answer = client.Receive();
    slow += answer.body == "slow\n";
    refused += answer.status == 503 && answer.headers.at("Retry-After") == "1" &&
               answer.body.contains("--web.max-requests");
  }
  EXPECT_EQ(slow, 40);
  EXPECT_EQ(refused, 10);
  EXPECT_EQ(clients.back().Fetch("/slow").status, 200);
}

TEST(HttpServerLimits, Fault19LongestReaderMakesRoomForNewRequests) {
  for (const auto timeout : {30s, 0s}) {  // 0: no timeout
    HttpServerOptions options = OnLoopback();
    options.max_requests = 4;
    options.connection_timeout = timeout;
    const auto server = Serve({Limited(Returning(std::string(kMuch, 'x')))}, options);
    std::vector<HttpClient> readers;
    for (int i = 0; i < 4; ++i) readers.push_back(SlowReader(*server));

    const auto asked = steady_clock::now();
    HttpClient newcomer(server->addresses().at(0));
    EXPECT_EQ(newcomer.Fetch("/").status, 200);
    EXPECT_LT(steady_clock::now() - asked, 20s);

    EXPECT_THAT(readers[0].ReadToEnd().size(), Lt(kMuch));
    EXPECT_EQ(newcomer.Fetch("/").status, 200);
    for (size_t i = 1; i < 4; ++i) EXPECT_THAT(readers[i].Receive().body, SizeIs(kMuch)) << i;
  }
}

TEST(HttpServerLimits, ResetsReadersThatAreCutOffOrSilent) {
  HttpServerOptions options = OnLoopback();
  options.max_requests = 1;
  options.connection_timeout = 2s;
  const auto server = Serve({Limited(Returning(std::string(kMuch, 'x')))}, options);
  const HttpClient cut_off = SlowReader(*server);
  const HttpClient silent = SlowReader(*server);
  // A reset drops the unsent data; otherwise the end of the connection would wait behind it.
  EXPECT_TRUE(Eventually([&] { return WasReset(cut_off); }));
  EXPECT_TRUE(Eventually([&] { return WasReset(silent); }));
}

TEST(HttpServerLimits, SlowReaderGetsAllIfThereIsRoom) {
  HttpServerOptions options = OnLoopback();
  options.max_requests = 2;
  const auto server = Serve({Limited(Returning(std::string(kMuch, 'x')))}, options);
  HttpClient slow_reader = SlowReader(*server);
  HttpClient other(server->addresses().at(0));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(other.Fetch("/").status, 200);
  EXPECT_THAT(slow_reader.Receive().body, SizeIs(kMuch));
}

TEST(HttpServerLimits, RunningHandlersAreNotCutOff) {
  std::latch started(1);
  std::latch release(1);
  HttpServerOptions options = OnLoopback();
  options.max_requests = 2;
  const auto server = Serve({{"/slow",
                              [&](const HttpRequest&) {
                                started.count_down();
                                release.wait();
                                return HttpResponse{.body = "slow\n"};
                              },
                              true},
                             Limited(Returning(std::string(kMuch, 'x')))},
                            options);
  HttpClient working(server->addresses().at(0));
  working.SendRequest("/slow");
  started.wait();
  HttpClient reader = SlowReader(*server);
  HttpClient newcomer = SlowReader(*server);
  EXPECT_THAT(reader.ReadToEnd().size(), Lt(kMuch));
  release.count_down();
  EXPECT_EQ(working.Receive().body, "slow\n");
  EXPECT_THAT(newcomer.Receive().body, SizeIs(kMuch));
}

TEST(HttpServerLimits, ServesNoMoreConnectionsThanAllowed) {
  HttpServerOptions options = OnLoopback();
  options.max_connections = 2;
  const auto server = Serve({Healthy()}, options);
  HttpClient first(server->addresses().at(0));
  EXPECT_EQ(first.Fetch("/-/healthy").status, 200);
  {
    HttpClient second(server->addresses().at(0));
    EXPECT_EQ(second.Fetch("/-/healthy").status, 200);
    HttpClient third(server->addresses().at(0));
    third.SendRequest("/-/healthy");
    EXPECT_EQ(first.Fetch("/-/healthy").status, 200);
    EXPECT_EQ(second.Fetch("/-/healthy").status, 200);
    // The third client is not served: it waits, or is closed at once.
    EXPECT_TRUE(!third.Readable(200ms) || third.ReadToEnd().empty());
  }
  EXPECT_TRUE(Eventually([&] {
    HttpClient fourth(server->addresses().at(0));
    fourth.SendRequest("/-/healthy", "GET", "Connection: close\r\n");
    return fourth.ReadToEnd().starts_with("HTTP/1.1 200");
  }));
}

TEST(HttpServerLimits, CutsOffIdleConnectionsToMakeRoom) {
  HttpServerOptions options = OnLoopback();
  options.max_connections = 8;  // six may be idle
  const auto server = Serve({Healthy()}, options);
  std::vector<HttpClient> idle;
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(idle.emplace_back(server->addresses().at(0)).Fetch("/-/healthy").status, 200);
  EXPECT_TRUE(Serves(*server));
  const auto cut_off = [&] {
    return std::ranges::count_if(idle, [](const auto& client) { return client.Readable(0ms); });
  };
  EXPECT_TRUE(Eventually([&] { return cut_off() > 0; }));
  EXPECT_EQ(cut_off(), 1) << "there was room for the others";
}

TEST(HttpServerLimits, RefusesABigRequestHead) {
  const auto server = Serve({Healthy()});
  for (const std::string& request :
       {"GET /-/healthy HTTP/1.1\r\nHost: test\r\nX-Big: " + std::string(1'000'000, 'x'),
        "GET /" + std::string(1'000'000, 'x'), std::string(1'000'000, 'x')}) {
    HttpClient client(server->addresses().at(0));
    client.Send(request);
    // Data that the server had not read when it closed may reset the connection before the answer
    // arrives.
    EXPECT_THAT(client.ReadToEnd(), AnyOf(IsEmpty(), StartsWith("HTTP/1.1 4")));
    EXPECT_TRUE(Serves(*server));
  }
  HttpClient polite(server->addresses().at(0));  // sends only a little more than the limit
  const std::string value(60'000, 'x');
  EXPECT_THAT(polite.Fetch("/-/healthy", "GET", "X-Big: " + value + "\r\n").status / 100, 4);
}

TEST(HttpServerLimits, EndsASilentConnection) {
  HttpServerOptions options = OnLoopback();
  options.connection_timeout = 1s;
  const auto server = Serve({Healthy()}, options);
  HttpClient mute(server->addresses().at(0));
  HttpClient half_a_head(server->addresses().at(0));
  half_a_head.Send("GET /-/healthy HTTP/1.1\r\nHo");
  HttpClient idle(server->addresses().at(0));
  EXPECT_EQ(idle.Fetch("/-/healthy").status, 200);
  const auto start = steady_clock::now();
  EXPECT_EQ(mute.ReadToEnd(), "");
  half_a_head.ReadToEnd();
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_LT(steady_clock::now() - start, 25s);
  EXPECT_TRUE(Serves(*server));
}

TEST(HttpServerLimits, EndsAConnectionThatTricklesItsHead) {
  HttpServerOptions options = OnLoopback();
  options.connection_timeout = 1s;
  const auto server = Serve({Healthy()}, options);
  HttpClient client(server->addresses().at(0));
  const auto start = steady_clock::now();
  EXPECT_EQ(client.Fetch("/-/healthy").status, 200);  // the watch is renewed after a request
  client.Send("GET /-/healthy HTTP/1.1\r\nX-Slow: ");
  while (!client.Readable(50ms) && steady_clock::now() - start < 20s) client.Send("x");
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_GT(steady_clock::now() - start, 900ms);
  EXPECT_LT(steady_clock::now() - start, 25s);
}

TEST(HttpServerLimits, EndsAConnectionThatReadsItsResponseTooSlowly) {
  HttpServerOptions options = OnLoopback();
  options.connection_timeout = 1s;
  const size_t size = 100'000'000;
  const auto server = Serve({Returning(std::string(size, 'x'))}, options);
  HttpClient client(server->addresses().at(0));
  client.SendRequest("/");
  std::string chunk(200'000, 0);  // 4 MB/s: the server sees progress in every second
  size_t taken = 0;
  pollfd hang_up = {client.fd(), POLLRDHUP, 0};
  while (taken < size && poll(&hang_up, 1, 50) == 0) {
    taken += static_cast<size_t>(recv(client.fd(), chunk.data(), chunk.size(), MSG_WAITALL));
  }
  EXPECT_LT(taken, size);
}

TEST(HttpServerLimits, DoesNotCountAHandlersTimeAsSilence) {
  HttpServerOptions options = OnLoopback();
  options.connection_timeout = 1s;
  const auto server = Serve({{"/",
                              [](const HttpRequest&) {
                                std::this_thread::sleep_for(2500ms);  // the delay is under test
                                return HttpResponse{.body = "at last"};
                              }}},
                            options);
  EXPECT_EQ(HttpClient(server->addresses().at(0)).Fetch("/").body, "at last");
}

TEST(HttpServerLimits, EndsAtOnceWithIdleConnectionsOpen) {
  auto server = Serve({Healthy()});
  const std::string address = server->addresses().at(0);
  std::vector<HttpClient> clients;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(clients.emplace_back(address).Fetch("/-/healthy").status, 200);
  }
  const auto start = steady_clock::now();
  server.reset();
  EXPECT_LT(steady_clock::now() - start, 20s);
  for (HttpClient& client : clients) EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_THROW(HttpClient{address}, std::runtime_error);
}

TEST(HttpServerLimits, WaitsForRunningHandlersWhenItEnds) {
  std::latch started(1);
  std::latch release(1);
  std::atomic<bool> finished = false;
  auto server = Serve({{"/", [&](const HttpRequest&) {
                          started.count_down();
                          release.wait();
                          finished = true;
                          return HttpResponse();
                        }}});
  const std::string address = server->addresses().at(0);
  HttpClient client(address);
  client.SendRequest("/");
  started.wait();
  std::thread ending([&] { server.reset(); });
  client.ReadToEnd();  // the connection is shut down before
  EXPECT_FALSE(finished);
  release.count_down();
  ending.join();
  EXPECT_TRUE(finished);
}

TEST(HttpServerLimits, LeavesNothingBehind) {
  Serve({Healthy()});  // warms up: the first server allocates some memory for good
  const size_t descriptors = Descriptors();
  const size_t threads = Threads();
  for (int i = 0; i < 50; ++i) {
    const auto server = Serve({Healthy()}, {.listen_addresses = {"127.0.0.1:0", "127.0.0.1:0"}});
    HttpClient idle(server->addresses()[1]);
    EXPECT_EQ(idle.Fetch("/-/healthy").status, 200);
    HttpClient(server->addresses()[0]).Send("GET / HT");
  }
  EXPECT_EQ(Descriptors(), descriptors);
  // The entry of a joined thread vanishes a moment after the join.
  EXPECT_TRUE(Eventually([&] { return Threads() == threads; }));
}

TEST(HttpServerLimits, ClosesTheDescriptorOfEachConnectionThatEnds) {
  const auto server = Serve({Healthy()});
  const size_t descriptors = Descriptors();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Serves(*server));
  EXPECT_TRUE(Eventually([&] { return Descriptors() == descriptors; }));
}

}  // namespace
}  // namespace bpftally
