#include "base/suggest.h"

#include <gtest/gtest.h>

#include <array>

namespace bpftally {
namespace {

constexpr auto kWords =
    std::to_array<std::string_view>({"programs", "maps", "links", "max_entries", "log.level"});

TEST(DidYouMeanTest, FindsTheNearest) {
  EXPECT_EQ(DidYouMean("program", kWords), " (did you mean \"programs\"?)");
  EXPECT_EQ(DidYouMean("max_entrys", kWords), " (did you mean \"max_entries\"?)");
  EXPECT_EQ(DidYouMean("nap", kWords), "");
  EXPECT_EQ(DidYouMean("map", kWords), " (did you mean \"maps\"?)");
}

TEST(DidYouMeanTest, SwappedNeighboursAreOneMistake) {
  EXPECT_EQ(DidYouMean("amps", kWords), " (did you mean \"maps\"?)");
  EXPECT_EQ(DidYouMean("lniks", kWords), " (did you mean \"links\"?)");
}

TEST(DidYouMeanTest, EmptyIfNothingIsNear) {
  EXPECT_EQ(DidYouMean("frobnicate", kWords), "");
  EXPECT_EQ(DidYouMean("", kWords), "");
  EXPECT_EQ(DidYouMean("maps", {}), "");
}

}  // namespace
}  // namespace bpftally
