// Tests maps that an iterator program of the same object fills at each poll.

#include "programs/plan/plan.h"
#include "programs/plan/sources.h"
#include "programs/run/table_fixture.h"

namespace bpftally {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SourcePlan PlacesOf(const std::string& map) {
  return CounterOf(map, map, {{"place", {0, 4}, {{.name = "uint"}}}}, 4);
}

class TableIteratorsTest : public TableTest {
 protected:
  void SetUp() override {
    TableTest::SetUp();
    if (!IsSkipped()) MakeTable();
  }
};

TEST_F(TableIteratorsTest, AMetricIsMissingUntilItsIteratorEnds) {
  ProgramPlan filled = PlanOf("full_iterator");
  filled.sources = {PlacesOf("maps_seen")};
  ProgramPlan other = PlanOf("load_addresses");
  other.sources = {PlacesOf("constants")};
  const LoadedProgram* program = AddToTable(std::move(filled));
  ASSERT_NE(program, nullptr);
  ASSERT_NE(AddToTable(std::move(other)), nullptr);

  SetAt(*program, "is_verbose", 0, uint32_t{1});
  const auto failed = Collect();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("1 metrics are missing; the first is maps_seen"));
  EXPECT_GT(ValueAt(*program, "maps_seen", 0), 0u) << "some were seen";
  EXPECT_THAT(Lines("maps_seen"), IsEmpty());
  EXPECT_THAT(Lines("constants"), SizeIs(3));
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              ElementsAre("bpftally_program_metric_missing_total{config=\"full_iterator\",metric="
                          "\"maps_seen\",reason=\"internal\"} 1"));

  SetAt(*program, "is_verbose", 0, uint32_t{0});
  EXPECT_TRUE(Collect());
  EXPECT_THAT(Lines("maps_seen"), SizeIs(1));
}

}  // namespace
}  // namespace bpftally
