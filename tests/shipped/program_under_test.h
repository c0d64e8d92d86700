#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <string>

#include "e2e/exporter.h"

namespace bpftally {

using Labels = std::map<std::string, std::string>;

// The real binary with one shipped program, or several: "execs,timers".
class ProgramUnderTest {
 public:
  explicit ProgramUnderTest(const std::string& name);

  bool serves() const { return exporter_.port() != 0; }
  std::string log() { return exporter_.process().errors(); }
  std::string Scrape() { return exporter_.Get("/metrics").body; }

  // The sum over the samples of this name (without the prefix) that have these labels.
  double Value(const std::string& sample, const Labels& labels = {});

  // By how much it has grown since it was `before`: once it is `enough`, or in vain.
  double Growth(const std::string& sample, const Labels& labels, double before, double enough);

  // Sets all times that this map of the program keeps now to an hour from now, as if the CPU that
  // wrote them had a fast clock. Returns how many entries it has set.
  size_t MoveTimesAhead(const std::string& map);

  // Whether this histogram's sum is one that a test can have caused. A negative duration would add
  // 584 years.
  bool HasPlausibleSum(const std::string& histogram);

 private:
  Exporter exporter_;
};

// The tests of the shipped programs. They look at the whole machine, and a few others may cause the
// same events meanwhile.
class Shipped : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: the kernel takes no BPF program of ours";
  }
};

}  // namespace bpftally
