#include "http/connection_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "base/unique_fd.h"

namespace bpftally {
namespace {

using std::chrono::seconds;

// Both ends of a connection.
struct Pair {
  Pair() {
    std::array<int, 2> fds = {};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
    ours.Reset(fds[0]);
    theirs.Reset(fds[1]);
  }

  bool is_open() const { return !EndsWithin(seconds(0)); }
  bool EndsWithin(seconds patience) const {
    pollfd watched{.fd = theirs.get(), .events = POLLIN, .revents = 0};
    return poll(&watched, 1, static_cast<int>(patience.count() * 1000)) == 1;
  }

  UniqueFd ours;
  UniqueFd theirs;
};

TEST(ConnectionWatch, CutsOffTheNextToExpireIfThereAreTooMany) {
  ConnectionWatch watch(2);
  const Pair late;
  const Pair soon;
  const Pair next;
  watch.Arm(late.ours.get(), seconds(3000));
  watch.Arm(soon.ours.get(), seconds(1000));
  EXPECT_TRUE(soon.is_open());
  watch.Arm(next.ours.get(), seconds(2000));
  EXPECT_FALSE(soon.is_open());
  EXPECT_TRUE(late.is_open());
  EXPECT_TRUE(next.is_open());
}

TEST(ConnectionWatch, CountsNoneThatIsDisarmed) {
  ConnectionWatch watch(1);
  const Pair answered;
  const Pair waiting;
  watch.Arm(answered.ours.get(), seconds(1000));
  watch.Disarm(answered.ours.get());
  watch.Arm(waiting.ours.get(), seconds(1000));
  EXPECT_TRUE(answered.is_open());
  EXPECT_TRUE(waiting.is_open());
}

TEST(ConnectionWatch, HandsOnTheSlotOfTheNextToExpire) {
  RequestLimit limit(2);
  ConnectionWatch watch(8);
  const Pair late;
  const Pair soon;
  const Pair without;
  watch.Arm(late.ours.get(), seconds(3000), limit.Enter());
  watch.Arm(soon.ours.get(), seconds(2000), limit.Enter());
  watch.Arm(without.ours.get(), seconds(1000));
  RequestLimit::Slot slot = watch.TakeSlot();
  EXPECT_NE(slot, nullptr);
  EXPECT_FALSE(soon.is_open());
  EXPECT_TRUE(late.is_open());
  EXPECT_TRUE(without.is_open());

  watch.Disarm(soon.ours.get());
  EXPECT_EQ(limit.Enter(), nullptr) << "it was handed on";
  slot.reset();
  EXPECT_NE(limit.Enter(), nullptr);
}

TEST(ConnectionWatch, KeepsASlotUntilItIsArmedAnewOrDisarmed) {
  RequestLimit limit(1);
  ConnectionWatch watch(8);
  const Pair pair;
  watch.Arm(pair.ours.get(), seconds(1000), limit.Enter());
  EXPECT_EQ(limit.Enter(), nullptr);
  watch.Arm(pair.ours.get(), seconds(1000));
  EXPECT_EQ(watch.TakeSlot(), nullptr);
  watch.Arm(pair.ours.get(), seconds(1000), limit.Enter());
  EXPECT_EQ(limit.Enter(), nullptr);
  watch.Disarm(pair.ours.get());
  EXPECT_NE(limit.Enter(), nullptr);
  EXPECT_TRUE(pair.is_open());
}

TEST(ConnectionWatch, CutsOffAtTheDeadline) {
  ConnectionWatch watch(8);
  const Pair missed;
  const Pair kept;
  watch.Arm(kept.ours.get(), seconds(1000));
  watch.Arm(missed.ours.get(), seconds(0));
  EXPECT_TRUE(missed.EndsWithin(seconds(30)));
  EXPECT_TRUE(kept.is_open());
}

}  // namespace
}  // namespace bpftally
