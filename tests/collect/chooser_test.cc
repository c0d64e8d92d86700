#include "collect/chooser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<uint32_t> ChosenIds(Chooser& chooser, const std::vector<Candidate>& candidates) {
  const std::vector<bool> flags = chooser.Choose(candidates);
  EXPECT_EQ(flags.size(), candidates.size());
  std::vector<uint32_t> ids;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (flags[i]) ids.push_back(candidates[i].id);
  }
  return ids;
}

TEST(ChooserTest, UpToTheLimitEveryoneIsChosen) {
  Chooser chooser(3);
  EXPECT_THAT(ChosenIds(chooser, {{1, 0, 0}, {2, 9, 0}, {3, 0, 0}}), ElementsAre(1, 2, 3));
  EXPECT_THAT(ChosenIds(chooser, {}), IsEmpty());
}

TEST(ChooserTest, MemoryThenRunTimeThenLowerId) {
  Chooser chooser(3);
  EXPECT_THAT(ChosenIds(chooser, {{1, 5, 0}, {2, 5, 1}, {3, 9, 0}, {4, 5, 7}, {5, 0, 99}}),
              ElementsAre(2, 3, 4));
  Chooser by_id(2);
  EXPECT_THAT(ChosenIds(by_id, {{4, 5, 5}, {7, 5, 5}, {9, 5, 5}}), ElementsAre(4, 7));
}

TEST(ChooserTest, WhoWasChosenStaysWhileRunTimesGrow) {
  Chooser chooser(1);
  EXPECT_THAT(ChosenIds(chooser, {{1, 5, 10}, {2, 5, 20}}), ElementsAre(2));
  EXPECT_THAT(ChosenIds(chooser, {{1, 5, 30}, {2, 5, 20}}), ElementsAre(2));
  EXPECT_THAT(ChosenIds(chooser, {{1, 6, 30}, {2, 5, 20}}), ElementsAre(1));
}

TEST(ChooserTest, AnObjectThatIsGoneMakesRoom) {
  Chooser chooser(2);
  EXPECT_THAT(ChosenIds(chooser, {{1, 5, 0}, {2, 5, 0}, {3, 5, 0}, {4, 5, 9}}), ElementsAre(1, 4));
  EXPECT_THAT(ChosenIds(chooser, {{1, 5, 0}, {2, 5, 0}, {3, 5, 0}}), ElementsAre(1, 2));
}

TEST(ChooserTest, ThoseOfATimeBelowTheLimitStayToo) {
  Chooser chooser(2);
  EXPECT_THAT(ChosenIds(chooser, {{3, 5, 0}, {4, 5, 0}}), ElementsAre(3, 4));
  EXPECT_THAT(ChosenIds(chooser, {{1, 5, 9}, {3, 5, 0}, {4, 5, 0}}), ElementsAre(3, 4));
}

TEST(ChooserTest, ALimitOfZeroChoosesNobody) {
  Chooser chooser(0);
  EXPECT_THAT(ChosenIds(chooser, {{1, 5, 0}}), IsEmpty());
}

TEST(ChooserTest, ARankByCostChoosesTheLongestRunTimes) {
  Chooser chooser(2, [](const Candidate& candidate, bool) { return Rank{candidate.run_time}; });
  EXPECT_THAT(ChosenIds(chooser, {{1, 9, 1}, {2, 0, 7}, {3, 8, 3}, {4, 7, 3}}), ElementsAre(2, 3));
  EXPECT_THAT(ChosenIds(chooser, {{1, 9, 9}, {2, 0, 7}, {3, 8, 3}, {4, 7, 8}}), ElementsAre(1, 4))
      << "this rank keeps nobody who costs less by now";
}

TEST(ChooserTest, ARankLearnsWhoWasChosenLastTime) {
  Chooser chooser(1, [](const Candidate& candidate, bool stays) {
    return Rank{stays ? 1U : 0U, candidate.run_time};
  });
  EXPECT_THAT(ChosenIds(chooser, {{1, 0, 2}, {2, 0, 1}}), ElementsAre(1));
  EXPECT_THAT(ChosenIds(chooser, {{1, 0, 2}, {2, 0, 9}}), ElementsAre(1));
}

}  // namespace
}  // namespace bpftally
