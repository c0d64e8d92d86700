// Skipped tests for skips_test.sh: one that is no more, and one whose suite cannot be torn down.

#include <gtest/gtest.h>

TEST(Good, Skips) { GTEST_SKIP() << "for the sample"; }
TEST(Good, Passes) {}

class Bad : public testing::Test {
 protected:
  static void TearDownTestSuite() { ADD_FAILURE() << "something is left"; }
};
TEST_F(Bad, Skips) { GTEST_SKIP() << "for the sample"; }
