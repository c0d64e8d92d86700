#include "web/landing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpftally {
namespace {

using testing::HasSubstr;
using testing::Not;

PollResult OneFailing() {
  Snapshot snapshot;
  snapshot.status[0] = {.source = Source::kIterator, .complete = true, .created = {}};
  snapshot.status[1] = {.source = Source::kSyscall,
                        .created = {},
                        .error = Error{ErrorKind::kPermission, 1, "needs <CAP_SYS_ADMIN> & more"}};
  snapshot.programs.resize(12);
  snapshot.maps.resize(34);
  snapshot.features = {{"map_entries", "iterator", false}};
  PollResult result;
  result.snapshot = std::make_shared<const Snapshot>(std::move(snapshot));
  result.collectors = {{.name = "programs", .help = "What runs.", .success = true, .error = ""},
                       {.name = "maps", .help = "Maps.", .success = false, .error = "\"why\""}};
  return result;
}

TEST(LandingPage, ShowsWhatRunsAndTheStateOfEachCollector) {
  const PollResult last = OneFailing();
  const std::string page = RenderLandingPage({"/metrics", "the kernel of this host", &last});
  EXPECT_THAT(page, HasSubstr("<td>program</td><td>12</td><td>iterator</td>"));
  EXPECT_THAT(page, HasSubstr("<td>map</td><td>34</td><td>syscall</td>"));
  EXPECT_THAT(page, HasSubstr("<td>programs</td><td>What runs.</td>"));
  EXPECT_THAT(page, HasSubstr("<span class=\"bad\">&quot;why&quot;</span>"));
  EXPECT_THAT(page, HasSubstr("<td>map_entries</td><td>iterator</td>"));
  EXPECT_THAT(page, HasSubstr("href=\"/metrics\""));
}

TEST(LandingPage, EscapesWhatItDidNotWrite) {
  const PollResult last = OneFailing();
  const std::string page = RenderLandingPage({"/<m>", "a replay of <script>", &last});
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, Not(HasSubstr("<m>")));
  EXPECT_THAT(page, Not(HasSubstr("<CAP_SYS_ADMIN>")));
  EXPECT_EQ(EscapeHtml("<a href='x'>\"&\"</a>"),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;");
}

TEST(LandingPage, WorksBeforeTheFirstPoll) {
  EXPECT_THAT(RenderLandingPage({"/metrics", "the kernel of this host", nullptr}),
              HasSubstr("first poll is under way"));
}

std::string WithReload(const ReloadStatus& reload) {
  return RenderLandingPage({"/metrics", "the kernel of this host", nullptr, reload});
}

TEST(LandingPage, SaysHowTheLastReloadWent) {
  constexpr int64_t kAt = 1'700'000'000'000'000'000;
  EXPECT_THAT(WithReload({}), Not(HasSubstr("reloaded")));
  EXPECT_THAT(WithReload({.attempted = true, .successful = true, .at_ns = kAt, .message = ""}),
              HasSubstr("last reloaded at 2023-11-14 22:13:20 UTC: <span class=\"good\">success<"));
  EXPECT_THAT(WithReload({.attempted = true, .at_ns = kAt, .message = "a.yaml:1:2: <bad>"}),
              HasSubstr("<span class=\"bad\">failed, the previous one runs on: a.yaml:1:2: "
                        "&lt;bad&gt;</span>"));
}

}  // namespace
}  // namespace bpftally
