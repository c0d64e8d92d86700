#include "base/duration.h"

#include <gtest/gtest.h>

namespace bpftally {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): literals only

TEST(Duration, ReadsGoDurations) {
  EXPECT_EQ(ParseDuration("15s"), 15s);
  EXPECT_EQ(ParseDuration("500ms"), 500ms);
  EXPECT_EQ(ParseDuration("250us"), 250us);
  EXPECT_EQ(ParseDuration("250\u00b5s"), 250us);
  EXPECT_EQ(ParseDuration("250\u03bcs"), 250us);
  EXPECT_EQ(ParseDuration("7ns"), 7ns);
  EXPECT_EQ(ParseDuration("1m30s"), 90s);
  EXPECT_EQ(ParseDuration("1.5h"), 90min);
  EXPECT_EQ(ParseDuration("0"), 0s);
  EXPECT_EQ(ParseDuration("0s"), 0s);
}

TEST(Duration, RefusesEverythingElse) {
  for (const char* text : {"", "15", "s", "-1s", "1 s", "1x", "s1", "1s1", "1e3s", "nans", "infs",
                           "99999999999h", "1s-1s"})
    EXPECT_FALSE(ParseDuration(text)) << text;
}

}  // namespace
}  // namespace bpftally
