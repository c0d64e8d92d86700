// Part of every GoogleTest binary. ctest takes a run for skipped as soon as a skipped test is in
// its output, whatever the exit status: a set-up or tear-down of its whole suite that failed would
// not be seen. A process that dies of a signal has failed for ctest in any case.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace bpftally {
namespace {

void DieOfFailuresBesideSkips() {
  const ::testing::UnitTest& run = *::testing::UnitTest::GetInstance();
  if (!run.Failed() || run.skipped_test_count() == 0) return;
  std::fflush(nullptr);
  std::abort();
}

// What is registered later runs earlier: before GoogleTest destroys its results.
[[maybe_unused]] const int kRegistered = [] {
  ::testing::UnitTest::GetInstance();
  return std::atexit(DieOfFailuresBesideSkips);
}();

}  // namespace
}  // namespace bpftally
