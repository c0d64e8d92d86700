#include "web/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/fakes.h"

namespace bpftally {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class RoutesTest : public testing::Test {
 protected:
  ~RoutesTest() override { script_.Release(); }

  std::vector<std::string> Paths() const {
    std::vector<std::string> paths;
    for (const HttpRoute& route : MakeRoutes(sources_)) paths.push_back(route.path);
    return paths;
  }

  HttpResponse Ask(std::string_view path) const {
    const auto routes = MakeRoutes(sources_);
    const auto route = std::ranges::find(routes, path, &HttpRoute::path);
    if (route == routes.end()) return {.status = 404};
    return route->handler({.method = route->methods.front(),
                           .path = path,
                           .query = [](std::string_view) { return std::vector<std::string>(); },
                           .header = [](std::string_view) { return std::string_view(); }});
  }

  FakeClock clock_;
  SourceScript script_;
  Poller poller_{std::make_unique<FakeSource>(script_), TwoCollectors(clock_), clock_,
                 PollerOptions()};
  MetricsHandler metrics_{poller_, clock_, {"alpha", "beta"}};
  RouteSources sources_{.metrics = metrics_,
                        .poller = poller_,
                        .telemetry_path = "/m",
                        .source = "a replay of a.yaml"};
};

TEST_F(RoutesTest, MapsAreServedOnlyIfThereIsADump) {
  EXPECT_THAT(Paths(), UnorderedElementsAre("/m", "/", "/-/healthy", "/-/ready", "/-/reload"));
  sources_.dump_maps = [] { return HttpResponse{.body = "raw"}; };
  EXPECT_EQ(*Ask("/maps").body, "raw");
}

TEST_F(RoutesTest, ReadyOnlyAfterTheFirstPoll) {
  SourceScript held;
  held.Hold();
  Poller waiting{std::make_unique<FakeSource>(held), TwoCollectors(clock_), clock_,
                 PollerOptions()};
  const auto routes = MakeRoutes({.metrics = metrics_,
                                  .poller = waiting,
                                  .telemetry_path = "/m",
                                  .source = "the kernel of this host"});
  const auto ready = std::ranges::find(routes, "/-/ready", &HttpRoute::path);
  EXPECT_EQ(ready->handler({}).status, 503);
  held.Release();
  waiting.Poll(std::chrono::hours(1), clock_.Now() + std::chrono::hours(1));
  EXPECT_EQ(ready->handler({}).status, 200);
}

TEST_F(RoutesTest, ThePageShowsSourceAndReload) {
  sources_.reload_status = [] {
    return ReloadStatus{.attempted = true, .at_ns = 0, .message = "a.yaml: no such map"};
  };
  EXPECT_THAT(*Ask("/").body, AllOf(HasSubstr("a replay of a.yaml"), HasSubstr("href=\"/m\""),
                                    HasSubstr("a.yaml: no such map")));
}

TEST_F(RoutesTest, ReloadIsForbiddenWithoutAFunction) {
  EXPECT_EQ(Ask("/-/reload").status, 403);
  sources_.reload = [] { return Result<void>(); };
  EXPECT_EQ(Ask("/-/reload").status, 200);
}

TEST_F(RoutesTest, OnlyWhatReadsTheKernelIsLimited) {
  sources_.dump_maps = [] { return HttpResponse(); };
  for (const HttpRoute& route : MakeRoutes(sources_))
    EXPECT_EQ(route.limited, route.path == "/m" || route.path == "/maps") << route.path;
}

}  // namespace
}  // namespace bpftally
