#include "host/cgroup_watch.h"

#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace bpftally {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Uses ordinary directories, which is enough: control groups are directories, too.
class CgroupWatchTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_ + "/a/inner"); }
  void TearDown() override { fs::remove_all(root_); }

  CgroupWatch Watch() {
    auto watch = CgroupWatch::Make(root_);
    if (!watch) throw std::runtime_error(watch.error().message);
    return std::move(*watch);
  }

  // Returns the third free descriptor; the two below it are enough to wait.
  static rlim_t ThirdFreeDescriptor() {
    const UniqueFd first(::eventfd(0, EFD_CLOEXEC));
    const UniqueFd second(::eventfd(0, EFD_CLOEXEC));
    return static_cast<rlim_t>(UniqueFd(::eventfd(0, EFD_CLOEXEC)).get());
  }

  // Makes a watch without inotify, as if the user had no instance left.
  CgroupWatch WithoutDescriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit two_more{.rlim_cur = ThirdFreeDescriptor(), .rlim_max = limit.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &two_more);
    CgroupWatch watch = Watch();
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return watch;
  }

  // Replaces a group by another of the same name.
  void Renew(const std::string& below) const {
    fs::remove(root_ + below);
    fs::create_directory(root_ + below);
  }

  CgroupWatch::Changes Wait(CgroupWatch& watch) { return watch.Wait(milliseconds(0)); }

  // Directory in memory if possible: one test makes thousands of directories.
  const std::string root_ =
      (::access("/dev/shm", W_OK) == 0 ? std::string("/dev/shm/") : ::testing::TempDir()) +
      "bpftally_watch_" + std::to_string(::getpid());
};

TEST_F(CgroupWatchTest, FirstAllThatIsThereThenNothing) {
  std::ofstream(root_ + "/a/cgroup.procs") << "1\n";
  fs::create_directory_symlink(root_, root_ + "/a/loop");
  CgroupWatch watch = Watch();
  EXPECT_THAT(Wait(watch).added, ElementsAre(root_, root_ + "/a", root_ + "/a/inner"));
  const auto then = Wait(watch);
  EXPECT_THAT(then.added, IsEmpty());
  EXPECT_THAT(then.removed, IsEmpty());
}

TEST_F(CgroupWatchTest, WhatComesIsFoundWithAllBelow) {
  CgroupWatch watch = Watch();
  Wait(watch);
  // No Wait() comes between: the watch of b begins when c exists already.
  fs::create_directories(root_ + "/b/c/d");
  EXPECT_THAT(Wait(watch).added,
              UnorderedElementsAre(root_ + "/b", root_ + "/b/c", root_ + "/b/c/d"));
  fs::create_directory(root_ + "/b/c/d/e");
  EXPECT_THAT(Wait(watch).added, ElementsAre(root_ + "/b/c/d/e"));
}

TEST_F(CgroupWatchTest, WhatGoesIsToldOnceAndMayComeAgain) {
  CgroupWatch watch = Watch();
  Wait(watch);
  fs::remove(root_ + "/a/inner");
  fs::remove(root_ + "/a");
  EXPECT_THAT(Wait(watch).removed, ElementsAre(root_ + "/a/inner", root_ + "/a"));
  fs::create_directory(root_ + "/a");
  const auto again = Wait(watch);
  EXPECT_THAT(again.added, ElementsAre(root_ + "/a"));
  EXPECT_THAT(again.removed, IsEmpty());
  fs::create_directory(root_ + "/a/inner");
  EXPECT_THAT(Wait(watch).added, ElementsAre(root_ + "/a/inner"));
}

TEST_F(CgroupWatchTest, MoreThanTheQueueHoldsIsFoundByLookingAgain) {
  int limit = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> limit;
  if (limit <= 0 || limit > 50'000)
    GTEST_SKIP() << "a small fs.inotify.max_queued_events is missing: it is " << limit;
  fs::create_directory(root_ + "/b");
  CgroupWatch watch = Watch();
  Wait(watch);
  for (int i = 0; i < limit; ++i) {
    fs::create_directory(root_ + "/busy");
    fs::remove(root_ + "/busy");
  }
  fs::create_directory(root_ + "/last");
  fs::remove(root_ + "/a/inner");
  Renew("/b");
  CgroupWatch::Changes changes = Wait(watch);
  EXPECT_THAT(changes.added, Contains(root_ + "/last"));
  EXPECT_THAT(changes.added, Contains(root_ + "/b"));
  EXPECT_THAT(changes.removed, Contains(root_ + "/a/inner"));
  EXPECT_THAT(changes.removed, Contains(root_ + "/b"));
  fs::create_directory(root_ + "/b/below");
  EXPECT_THAT(Wait(watch).added, ElementsAre(root_ + "/b/below"));
}

TEST_F(CgroupWatchTest, WithoutNotificationsWhatComesAgainIsAnotherGroup) {
  CgroupWatch watch = WithoutDescriptors();
  EXPECT_THAT(Wait(watch).added, ElementsAre(root_, root_ + "/a", root_ + "/a/inner"));
  Renew("/a/inner");
  const auto changes = Wait(watch);
  EXPECT_THAT(changes.removed, ElementsAre(root_ + "/a/inner"));
  EXPECT_THAT(changes.added, ElementsAre(root_ + "/a/inner"));
  EXPECT_THAT(Wait(watch).added, IsEmpty());
}

TEST_F(CgroupWatchTest, RescansGroupsWithoutAWatchHoweverBusyOthersAre) {
  fs::permissions(root_ + "/a", fs::perms::none);
  CgroupWatch watch = Watch();
  // Not even root may watch it without its own file system user id.
  const int user = ::setfsuid(65534);
  Wait(watch);
  ::setfsuid(static_cast<uid_t>(user));
  fs::permissions(root_ + "/a", fs::perms::owner_all);

  const auto give_up = steady_clock::now() + std::chrono::seconds(20);
  std::vector<std::string> added;
  while (steady_clock::now() < give_up &&
         std::ranges::find(added, root_ + "/a/inner") == added.end()) {
    Renew("/busy");
    added = watch.Wait(milliseconds(100)).added;
  }
  EXPECT_THAT(added, Contains(root_ + "/a/inner"));
}

TEST_F(CgroupWatchTest, TheEndWakesIt) {
  CgroupWatch watch = Watch();
  Wait(watch);
  watch.Wake();
  watch.Wait(std::chrono::hours(1));  // returns at once, or the test times out
}

TEST_F(CgroupWatchTest, ADirectoryThatIsNotThereIsAnError) {
  const auto watch = CgroupWatch::Make(root_ + "/no");
  ASSERT_FALSE(watch);
  EXPECT_THAT(watch.error().message, ::testing::HasSubstr(root_ + "/no"));
}

}  // namespace
}  // namespace bpftally
