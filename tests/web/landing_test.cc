#include "web/landing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpftally {
namespace {

using testing::HasSubstr;
using testing::Not;

PollResult OneFailing() {
  PollResult result;
  result.kinds[0] = {.source = Source::kIterator, .complete = true, .created = {}};
  result.kinds[1] = {.source = Source::kSyscall,
                     .created = {},
                     .error = Error{ErrorKind::kPermission, 1, "needs <CAP_SYS_ADMIN> & more"}};
  result.objects = {12, 34, 0, 0};
  result.collectors = {{.name = "programs", .help = "What runs.", .success = true, .error = ""},
                       {.name = "maps", .help = "Maps.", .success = false, .error = "\"why\""}};
  result.features = {{"map_entries", "iterator", false}};
  return result;
}

TEST(LandingPage, TellsWhatRunsAndHowEachCollectorFares) {
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

TEST(LandingPage, WorksBeforeTheFirstLook) {
  EXPECT_THAT(RenderLandingPage({"/metrics", "the kernel of this host", nullptr}),
              HasSubstr("first look is under way"));
}

}  // namespace
}  // namespace bpftally
