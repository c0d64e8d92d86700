#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace bpftally {
namespace {

TEST(ErrorTest, EveryKindHasItsOwnName) {
  std::set<std::string> names;
  for (const ErrorKind kind :
       {ErrorKind::kPermission, ErrorKind::kVanished, ErrorKind::kUnsupported,
        ErrorKind::kExhausted, ErrorKind::kInvalid, ErrorKind::kInternal})
    names.insert(ErrorKindName(kind));
  EXPECT_EQ(names, (std::set<std::string>{"permission", "vanished", "unsupported", "exhausted",
                                          "invalid", "internal"}));
}

TEST(ErrorTest, KindOfErrno) {
  EXPECT_EQ(KindOfErrno(EPERM), ErrorKind::kPermission);
  EXPECT_EQ(KindOfErrno(EACCES), ErrorKind::kPermission);
  EXPECT_EQ(KindOfErrno(ENOENT), ErrorKind::kVanished);
  EXPECT_EQ(KindOfErrno(EOPNOTSUPP), ErrorKind::kUnsupported);
  EXPECT_EQ(KindOfErrno(524), ErrorKind::kUnsupported);
  EXPECT_EQ(KindOfErrno(EMFILE), ErrorKind::kExhausted);
  EXPECT_EQ(KindOfErrno(ENOSPC), ErrorKind::kExhausted);
  EXPECT_EQ(KindOfErrno(EINVAL), ErrorKind::kInternal);
}

TEST(ErrorTest, ErrnoErrorSaysWhatWasDoneAndWhy) {
  const Error error = ErrnoError(EPERM, "open map 7");
  EXPECT_EQ(error.kind, ErrorKind::kPermission);
  EXPECT_EQ(error.sys_errno, EPERM);
  EXPECT_EQ(error.message, "open map 7: Operation not permitted");
}

TEST(ErrorTest, WrapAddsContextAndKeepsTheRest) {
  const Error error = Wrap(ErrnoError(EMFILE, "open map 7"), "walk maps");
  EXPECT_EQ(error.kind, ErrorKind::kExhausted);
  EXPECT_EQ(error.sys_errno, EMFILE);
  EXPECT_EQ(error.message, "walk maps: open map 7: Too many open files");
}

}  // namespace
}  // namespace bpftally
