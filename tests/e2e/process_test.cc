#include "e2e/process.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace bpftally {
namespace {

// A shell that runs so long as nobody ends it.
std::vector<std::string> Shell(const std::string& script) {
  return {"/bin/sh", "-c", script + "; echo up; while :; do sleep 0.05; done"};
}

void RunUntilItIsUp(const std::string& script) {
  const Process process(Shell(script));
  EXPECT_TRUE(Eventually([&] { return process.output() == "up\n"; }));
}

TEST(Process, IsToldToEndAndNotKilled) {
  const TempDirectory folder;
  const std::string last_words = folder.Path("last-words");
  RunUntilItIsUp("trap 'echo bye > " + last_words + "; exit 0' TERM");
  EXPECT_EQ(ReadFile(last_words), "bye\n");
}

TEST(Process, WhatASanitizerSaysFailsTheTest) {
  EXPECT_NONFATAL_FAILURE(RunUntilItIsUp("echo '==1==ERROR: AddressSanitizer: x' >&2"),
                          "AddressSanitizer: x");
  EXPECT_NONFATAL_FAILURE(RunUntilItIsUp("echo 'a.cc:1:2: runtime error: y' >&2"),
                          "runtime error: y");
  RunUntilItIsUp("echo 'a warning' >&2");
}

}  // namespace
}  // namespace bpftally
