// The shipped programs' files, as far as they go without the kernel.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "build_paths.h"
#include "drop_reasons.h"
#include "programs/frontends/program_file.h"
#include "programs/plan/conflicts.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

const std::string kDirectory = BPFTALLY_BINARY_DIR "/bpf/programs";

std::vector<PlannedFile> PlanAll() {
  std::vector<PlannedFile> all;
  for (const auto& entry : std::filesystem::directory_iterator(kDirectory)) {
    if (entry.path().extension() == ".yaml") all.push_back(PlanFile(entry.path()));
  }
  return all;
}

TEST(ShippedFiles, HaveNothingToComplainOf) {
  const auto all = PlanAll();
  EXPECT_GE(all.size(), 14);
  for (const PlannedFile& file : all) {
    for (const Finding& finding : file.findings) ADD_FAILURE() << ToString(finding);
    for (const MetricPlan& metric : MetricsOf(file.plan))
      EXPECT_FALSE(metric.unusable) << file.file << ": " << metric.unusable->message;
    EXPECT_NE(file.plan.description, "") << file.file;
    EXPECT_NE(file.plan.needs, "") << file.file;
  }
}

TEST(ShippedFiles, GoTogether) {
  std::vector<ProgramPlan> plans;
  for (PlannedFile& file : PlanAll()) plans.push_back(std::move(file.plan));
  for (const Finding& finding : CheckTogether(plans)) ADD_FAILURE() << ToString(finding);
}

// Units stand in the names, as Prometheus wants them.
TEST(ShippedFiles, NameMetricsByConvention) {
  for (const PlannedFile& file : PlanAll()) {
    for (const MetricPlan& metric : MetricsOf(file.plan)) {
      if (TypeOf(metric) == MetricType::kCounter)
        EXPECT_THAT(metric.name, testing::EndsWith("_total"));
      else
        EXPECT_THAT(metric.name, testing::MatchesRegex(".*_(seconds|bytes)"));
    }
  }
}

// The program counts by the place in the header, and the configuration names the places.
TEST(ShippedFiles, NameDropReasonsAsTheProgramNumbersThem) {
#define NAME(name) #name,
  const std::vector<std::string> names = {"other", FOR_EACH_DROP_REASON(NAME)};
#undef NAME
  const PlannedFile file = PlanFile(kDirectory + "/packet-drops.yaml");
  const MetricPlan& metric = file.plan.sources.at(0).metrics.at(0);
  const auto* map = std::get_if<TextMap>(&metric.labels.at(0).decoders.at(1).argument);
  ASSERT_NE(map, nullptr);
  ASSERT_EQ(map->size(), names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(map->at(i).first, std::to_string(i));
    EXPECT_EQ(map->at(i).second, names[i]);
  }
}

}  // namespace
}  // namespace bpftally
