#include "base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <utility>

namespace bpftally {
namespace {

int OpenSomething() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0 || errno != EBADF; }

TEST(UniqueFdTest, ClosesAtTheEnd) {
  const int fd = OpenSomething();
  {
    const UniqueFd owner(fd);
    EXPECT_TRUE(owner);
    EXPECT_EQ(owner.get(), fd);
    EXPECT_TRUE(IsOpen(fd));
  }
  EXPECT_FALSE(IsOpen(fd));
}

TEST(UniqueFdTest, AnEmptyOneOwnsNothing) {
  const UniqueFd empty;
  EXPECT_FALSE(empty);
  EXPECT_EQ(empty.get(), -1);
}

TEST(UniqueFdTest, FdZeroIsAnFd) {
  UniqueFd zero(0);
  EXPECT_TRUE(zero);
  EXPECT_EQ(zero.Release(), 0);
}

TEST(UniqueFdTest, MovingHandsTheFdOver) {
  const int fd = OpenSomething();
  UniqueFd first(fd);
  const UniqueFd second(std::move(first));
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what it leaves behind is the point
  EXPECT_EQ(second.get(), fd);
  EXPECT_TRUE(IsOpen(fd));
}

TEST(UniqueFdTest, MoveAssignmentClosesTheOldFd) {
  const int old_fd = OpenSomething();
  const int new_fd = OpenSomething();
  UniqueFd holder(old_fd);
  holder = UniqueFd(new_fd);
  EXPECT_FALSE(IsOpen(old_fd));
  EXPECT_EQ(holder.get(), new_fd);
  EXPECT_TRUE(IsOpen(new_fd));
}

TEST(UniqueFdTest, MovingToItselfChangesNothing) {
  const int fd = OpenSomething();
  UniqueFd owner(fd);
  UniqueFd& same = owner;
  owner = std::move(same);
  EXPECT_EQ(owner.get(), fd);
  EXPECT_TRUE(IsOpen(fd));
}

TEST(UniqueFdTest, ReleaseLeavesItOpenAndResetClosesIt) {
  UniqueFd owner(OpenSomething());
  const int fd = owner.Release();
  EXPECT_FALSE(owner);
  EXPECT_TRUE(IsOpen(fd));
  owner.Reset(fd);
  owner.Reset();
  EXPECT_FALSE(IsOpen(fd));
}

}  // namespace
}  // namespace bpftally
