#include "daemon/capabilities.h"

#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>
#include <thread>

namespace bpftally {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ParseCapabilitiesTest, AllNoneAndNames) {
  EXPECT_TRUE(ParseCapabilitiesToKeep("all")->all);
  const auto none = ParseCapabilitiesToKeep("none");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->all);
  EXPECT_THAT(none->kept, IsEmpty());
  const auto some = ParseCapabilitiesToKeep("cap_bpf,CAP_PERFMON, sys_admin");
  ASSERT_TRUE(some) << some.error().message;
  EXPECT_FALSE(some->all);
  EXPECT_THAT(some->kept, ElementsAre(CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN));
}

TEST(ParseCapabilitiesTest, EveryWrongNameIsTold) {
  const auto wrong = ParseCapabilitiesToKeep("cap_sys_admi,cap_bpf,perfmom");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(wrong.error().message, AllOf(HasSubstr("\"cap_sys_admi\""),
                                           HasSubstr("cap_sys_admin"), HasSubstr("cap_perfmon")));
  for (const char* text : {"", ",", "cap_bpf,", "39", "ALL of them"})
    EXPECT_FALSE(ParseCapabilitiesToKeep(text)) << text;
}

// CapEff and the like of this process, and NoNewPrivs.
std::map<std::string, uint64_t> Status() {
  std::ifstream file("/proc/self/status");
  std::map<std::string, uint64_t> status;
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (line.starts_with("Cap") || line.starts_with("NoNewPrivs"))
      status[line.substr(0, colon)] = std::stoull(line.substr(colon + 1), nullptr, 16);
  }
  return status;
}

// What a process has left must not be this test's.
template <typename Check>
void InChild(Check check) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    check();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "see above";
}

constexpr uint64_t Bit(int capability) { return uint64_t{1} << capability; }

TEST(KeepCapabilitiesTest, OnlyWhatIsKeptIsLeft) {
  if (::geteuid() != 0) GTEST_SKIP() << "root is missing: there is nothing to give up";
  InChild([] {
    const auto kept = KeepCapabilities({.all = false, .kept = {CAP_BPF, CAP_PERFMON}});
    EXPECT_TRUE(kept) << kept.error().message;
    const auto status = Status();
    EXPECT_EQ(status.at("CapEff"), Bit(CAP_BPF) | Bit(CAP_PERFMON));
    EXPECT_EQ(status.at("CapPrm"), Bit(CAP_BPF) | Bit(CAP_PERFMON));
    EXPECT_EQ(status.at("CapBnd") & ~(Bit(CAP_BPF) | Bit(CAP_PERFMON)), 0u);
    EXPECT_EQ(status.at("CapAmb"), 0u);
    EXPECT_EQ(status.at("NoNewPrivs"), 1u);
    EXPECT_TRUE(KeepCapabilities({.all = false})) << "nothing of them is needed to give them up";
    EXPECT_EQ(Status().at("CapEff"), 0u);
    // What is gone does not come back, and asking for it is no error.
    EXPECT_TRUE(KeepCapabilities({.all = false, .kept = {CAP_BPF}}));
    EXPECT_EQ(Status().at("CapEff"), 0u);
  });
}

TEST(KeepCapabilitiesTest, AllLeavesEverythingAsItIs) {
  InChild([] {
    const auto before = Status();
    EXPECT_TRUE(KeepCapabilities({.all = true}));
    EXPECT_EQ(Status(), before);
  });
}

TEST(KeepCapabilitiesTest, OtherThreadsWouldKeepTheirs) {
  InChild([] {
    std::atomic<bool> end = false;
    std::thread other([&] { end.wait(false); });
    const auto kept = KeepCapabilities({.all = false});
    EXPECT_FALSE(kept);
    EXPECT_THAT(kept ? "" : kept.error().message, HasSubstr("2 threads"));
    end = true;
    end.notify_all();
    other.join();
  });
}

}  // namespace
}  // namespace bpftally
