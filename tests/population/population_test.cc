#include "population/population.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <vector>

#include "population/plain_objects.h"

namespace bpftally {
namespace {

class PopulationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "root is missing: the test loads BPF programs";
  }
};

TEST_F(PopulationTest, HoldsAllThatThisKernelSupports) {
  const Population population;
  std::cout << "refused by this kernel:\n" << population.RefusedText();
  for (const Refused& refused : population.made().refused) {
    EXPECT_TRUE(refused.excused) << refused.label << " errno " << refused.sys_errno;
  }
}

TEST_F(PopulationTest, IsGoneWithItsObject) {
  auto population = std::make_unique<Population>();
  std::vector<uint32_t> programs;
  std::vector<uint32_t> maps;
  std::vector<uint32_t> links;
  for (const KnownProgram& known : population->made().programs) programs.push_back(known.made.id);
  for (const KnownMap& known : population->made().maps) maps.push_back(known.made.id);
  for (const KnownLink& known : population->made().links) links.push_back(known.made.id);
  population.reset();
  for (const uint32_t id : links) EXPECT_TRUE(IsGoneSoon(ObjectKind::kLink, id)) << id;
  for (const uint32_t id : programs) EXPECT_TRUE(IsGoneSoon(ObjectKind::kProgram, id)) << id;
  for (const uint32_t id : maps) EXPECT_TRUE(IsGoneSoon(ObjectKind::kMap, id)) << id;
}

}  // namespace
}  // namespace bpftally
