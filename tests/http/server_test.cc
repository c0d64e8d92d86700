#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <latch>
#include <sstream>

#include "base/own_process.h"
#include "http/http_fixture.h"

namespace bpftally {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Healthy;
using testing::HttpAnswer;
using testing::HttpClient;
using ::testing::Not;
using testing::Returning;
using testing::Serve;
using testing::Serves;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST(HttpServer, SendsTheHandlersResponse) {
  const auto server =
      Serve({{"/page", [](const HttpRequest& request) {
                return HttpResponse{.status = 418,
                                    .body = fmt::format("{} {}", request.method, request.path),
                                    .headers = {{"content-type", "text/html"}, {"X-One", "1"}}};
              }}});
  const HttpAnswer answer = HttpClient(server->addresses().at(0)).Fetch("/page?a=b");
  EXPECT_EQ(answer.status, 418);
  EXPECT_EQ(answer.body, "GET /page");
  EXPECT_EQ(answer.headers.at("Content-Type"), "text/html");
  EXPECT_EQ(answer.headers.at("X-One"), "1");
  EXPECT_EQ(answer.headers.at("X-Content-Type-Options"), "nosniff");
}

TEST(HttpServer, DefaultsToPlainText) {
  const auto server = Serve({Healthy()});
  const HttpAnswer answer = HttpClient(server->addresses().at(0)).Fetch("/-/healthy");
  EXPECT_EQ(answer.headers.at("Content-Type"), "text/plain; charset=utf-8");
}

TEST(HttpServer, KeepsAConnectionForManyRequests) {
  const auto server = Serve({Healthy()});
  HttpClient client(server->addresses().at(0));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.Fetch("/-/healthy").body, "healthy\n");
  EXPECT_EQ(client.Fetch("/-/healthy", "GET", "Connection: close\r\n").status, 200);
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST(HttpServer, AnswersHeadWithoutABody) {
  const auto server = Serve({Healthy()});
  HttpClient client(server->addresses().at(0));
  const HttpAnswer head = client.Fetch("/-/healthy", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("Content-Length"), "8");
  // If a body followed the header, it would be read as the next answer.
  EXPECT_EQ(client.Fetch("/-/healthy").body, "healthy\n");
}

TEST(HttpServer, RefusesOtherMethodsWithOrWithoutABody) {
  const auto server = Serve({Healthy()});
  HttpClient client(server->addresses().at(0));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "BREW"}) {
    client.SendRequest("/-/healthy", method, "Content-Length: 5\r\n", "12345");
    const HttpAnswer answer = client.Receive();
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.headers.at("Allow"), "GET, HEAD") << method;
  }
}

HttpRoute Taking(std::vector<std::string> methods) {
  return {.path = "/act",
          .handler =
              [](const HttpRequest& request) {
                return HttpResponse{.body = std::string(request.method)};
              },
          .methods = std::move(methods)};
}

TEST(HttpServer, TakesThePostOfARouteThatHasIt) {
  const auto server = Serve({Taking({"POST", "PUT"})});
  HttpClient client(server->addresses().at(0));
  for (const char* method : {"POST", "PUT"}) {
    client.SendRequest("/act", method, "Content-Length: 0\r\n");
    EXPECT_EQ(client.Receive().body, method);
  }
  const HttpAnswer refused = client.Fetch("/act");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.headers.at("Allow"), "POST, PUT");
}

TEST(HttpServer, DropsTheBodyOfAPost) {
  const auto server = Serve({Taking({"POST"}), Healthy()});
  HttpClient client(server->addresses().at(0));
  client.SendRequest("/act", "POST", "Content-Length: 5\r\n", "12345");
  EXPECT_EQ(client.Receive().body, "POST");
  EXPECT_EQ(client.Fetch("/-/healthy").status, 200);
}

TEST(HttpServer, RunsNoHandlerWhereThePostIsTooLong) {
  bool ran = false;
  HttpRoute route = Taking({"POST"});
  route.handler = [&](const HttpRequest&) {
    ran = true;
    return HttpResponse();
  };
  {
    const auto server = Serve({route});
    const HttpClient client(server->addresses().at(0));
    const std::string body(100'000, 'x');
    client.SendRequest("/act", "POST", fmt::format("Content-Length: {}\r\n", body.size()), body);
    EXPECT_TRUE(client.Readable(HttpClient::kPatience));
  }
  EXPECT_FALSE(ran);
}

TEST(HttpServer, FindsTheRouteByPathAndMethod) {
  const auto server = Serve({Taking({"GET", "HEAD"}), Taking({"POST"})});
  HttpClient client(server->addresses().at(0));
  EXPECT_EQ(client.Fetch("/act").body, "GET");
  EXPECT_EQ(client.Fetch("/act", "POST", "Content-Length: 0\r\n").body, "POST");
  const HttpAnswer refused = client.Fetch("/act", "DELETE");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.headers.at("Allow"), "GET, HEAD, POST");
}

TEST(HttpServer, UnknownPathsAreNotFound) {
  const auto server = Serve({Healthy()});
  const HttpAnswer answer = HttpClient(server->addresses().at(0)).Fetch("/-/healthy/");
  EXPECT_EQ(answer.status, 404);
  EXPECT_FALSE(answer.body.empty());
}

TEST(HttpServer, GivesEveryValueOfAQueryKey) {
  std::vector<std::string> values;
  std::vector<std::string> none;
  const auto server = Serve({{"/", [&](const HttpRequest& request) {
                                values = request.query("collect[]");
                                none = request.query("collect");
                                return HttpResponse();
                              }}});
  HttpClient(server->addresses().at(0))
      .Fetch("/?collect[]=maps&x=1&collect%5B%5D=a%26b+c%2B&collect[]=&collect[]");
  EXPECT_THAT(values, ElementsAre("maps", "a&b c+", "", ""));
  EXPECT_THAT(none, ElementsAre());
}

TEST(HttpServer, FindsHeadersInAnyCase) {
  std::string found;
  std::string missing = "?";
  const auto server = Serve({{"/", [&](const HttpRequest& request) {
                                found = request.header("x-PROMETHEUS-scrape-timeout-seconds");
                                missing = request.header("Accept");
                                return HttpResponse();
                              }}});
  HttpClient(server->addresses().at(0))
      .Fetch("/", "GET", "X-Prometheus-Scrape-Timeout-Seconds: 9.5\r\n");
  EXPECT_EQ(found, "9.5");
  EXPECT_EQ(missing, "");
}

TEST(HttpServer, SendsLargeBodiesWhole) {
  std::string body(8'000'000, 'x');
  for (size_t i = 0; i < body.size(); i += 97) body[i] = static_cast<char>('a' + i % 26);
  const auto server = Serve({Returning(body)});
  EXPECT_TRUE(HttpClient(server->addresses().at(0)).Fetch("/").body == body);
}

TEST(HttpServer, HandlerExceptionGivesA500AndOneLogLine) {
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  {
    const auto server = Serve(
        {{"/bad",
          [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("no luck today"); }},
         {"/worse", [](const HttpRequest&) -> HttpResponse { throw 7; }},
         Healthy()});
    HttpClient client(server->addresses().at(0));
    EXPECT_EQ(client.Fetch("/bad").status, 500);
    EXPECT_EQ(client.Fetch("/worse").status, 500);
    EXPECT_EQ(client.Fetch("/-/healthy").status, 200);
  }
  spdlog::set_default_logger(before);
  EXPECT_THAT(log.str(), HasSubstr("[error] HTTP: GET /bad failed: no luck today"));
  EXPECT_EQ(std::ranges::count(log.str(), '\n'), 2);
}

TEST(HttpServer, SurvivesGarbage) {
  const auto server = Serve({Healthy()});
  std::string every_byte;
  for (int i = 0; i < 4096; ++i) every_byte.push_back(static_cast<char>(i * 7));
  for (const std::string& garbage :
       {every_byte, std::string(5000, '\0'), std::string("\r\n\r\n\r\n"),
        std::string("GET\r\n\r\n"),
        std::string("GET /%00%ff%zz?%=&&=%&\xff HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("GET / HTTP/9.9\r\n\r\n"), std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8),
        std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n")}) {
    HttpClient client(server->addresses().at(0));
    client.Send(garbage);
    client.FinishSending();
    EXPECT_THAT(client.ReadToEnd(), Not(StartsWith("HTTP/1.1 2")));
    EXPECT_TRUE(Serves(*server));
  }
}

TEST(HttpServer, AnswersAClientThatHasFinishedSending) {
  const auto server = Serve({Healthy()});
  HttpClient client(server->addresses().at(0));
  client.SendRequest("/-/healthy");
  client.FinishSending();
  EXPECT_EQ(client.Receive().status, 200);
}

TEST(HttpServer, SurvivesClientsThatLeaveMidResponse) {
  std::latch release(1);
  const auto server = Serve({{"/big",
                              [&](const HttpRequest&) {
                                release.wait();
                                return HttpResponse{.body = std::string(8'000'000, 'x')};
                              }},
                             Healthy()});
  for (int i = 0; i < 10; ++i) HttpClient(server->addresses().at(0)).SendRequest("/big");
  release.count_down();
  EXPECT_TRUE(Serves(*server));
}

TEST(HttpServer, ServesSeveralAddresses) {
  const auto server = Serve({Healthy()}, {.listen_addresses = {"127.0.0.1:0", "127.0.0.1:0"}});
  ASSERT_THAT(server->addresses(), SizeIs(2));
  EXPECT_NE(server->addresses()[0], server->addresses()[1]);
  for (const std::string& address : server->addresses()) {
    EXPECT_EQ(HttpClient(address).Fetch("/-/healthy").status, 200) << address;
  }
}

TEST(HttpServer, BindsAllAddressesOrNone) {
  const auto first = Serve({Healthy()});
  const size_t descriptors = Descriptors();
  const auto second = HttpServer::Start(
      {.listen_addresses = {"127.0.0.1:0", first->addresses().at(0)}}, {Healthy()});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr(first->addresses().at(0)));
  EXPECT_EQ(Descriptors(), descriptors);
}

}  // namespace
}  // namespace bpftally
