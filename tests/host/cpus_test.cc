#include "host/cpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "kernel/fake_bpf_sys.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Cpus, ListsHaveRangesAndSingleOnes) {
  EXPECT_THAT(*ParseCpuList("0-2,5,8-8"), ElementsAre(0, 1, 2, 5, 8));
  EXPECT_THAT(*ParseCpuList("0"), ElementsAre(0));
  EXPECT_THAT(*ParseCpuList("1,3\n"), ElementsAre(1, 3));
  EXPECT_THAT(*ParseCpuList("\n"), IsEmpty()) << "as of /sys/devices/system/cpu/offline";
}

TEST(Cpus, BadListsAreErrors) {
  for (const char* bad : {"a", "1-", "2-1", "1;2", "-1", "0-99999999", "1,,2", "1\n\n"})
    EXPECT_FALSE(ParseCpuList(bad)) << bad;
}

TEST(Cpus, ListsAreFormattedAsTheKernelDoes) {
  EXPECT_EQ(CpuList(std::vector{0, 1, 2, 5, 8, 9}), "0-2,5,8-9");
  EXPECT_EQ(CpuList(std::vector{3}), "3");
  EXPECT_EQ(CpuList({}), "");
}

TEST(Cpus, OnlineCpusAreOfThisMachine) { EXPECT_GE(OnlineCpus().value().size(), 1U); }

TEST(Cpus, Fault33CountsPossibleCpus) {
  FakeBpfSys sys;
  const auto count = [&](const char* text) {
    sys.files["/sys/devices/system/cpu/possible"] = text;
    return PossibleCpus(sys);
  };
  EXPECT_EQ(count("0\n"), 1U);
  EXPECT_EQ(count("0-7\n"), 8U);
  EXPECT_EQ(count("0,2-3,8-15\n"), 11U);
  EXPECT_FALSE(count("\n"));
  EXPECT_THAT(count("0-x\n").error().message, HasSubstr("cpu/possible"));
}

}  // namespace
}  // namespace bpftally
