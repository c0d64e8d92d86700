#include "web/lifecycle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

HttpResponse Post(const HttpRoute& route) {
  return route.handler({.method = "POST", .path = route.path, .query = {}, .header = {}});
}

TEST(Lifecycle, ReloadTakesPostAndPutOnly) {
  const HttpRoute route = ReloadRoute({});
  EXPECT_EQ(route.path, "/-/reload");
  EXPECT_THAT(route.methods, ElementsAre("POST", "PUT"));
}

TEST(Lifecycle, WithoutAFunctionNamesTheFlag) {
  const HttpResponse response = Post(ReloadRoute({}));
  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(*response.body, HasSubstr("Lifecycle API is not enabled"));
  EXPECT_THAT(*response.body, HasSubstr("--web.enable-lifecycle"));
}

TEST(Lifecycle, EachPostReloadsOnce) {
  int reloads = 0;
  const HttpRoute route = ReloadRoute([&]() -> Result<void> {
    ++reloads;
    return {};
  });
  EXPECT_EQ(reloads, 0);
  EXPECT_EQ(Post(route).status, 200);
  EXPECT_EQ(Post(route).status, 200);
  EXPECT_EQ(reloads, 2);
}

TEST(Lifecycle, AFailedReloadIsA500WithTheReason) {
  const HttpResponse response = Post(ReloadRoute([]() -> Result<void> {
    return std::unexpected(Error{ErrorKind::kInvalid, 0, "a.yaml:1:2: no such map"});
  }));
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(*response.body, HasSubstr("a.yaml:1:2: no such map"));
}

}  // namespace
}  // namespace bpftally
