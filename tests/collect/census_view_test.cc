#include "collect/census_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <typename Info>
std::vector<uint32_t> Ids(const std::vector<const Info*>& objects) {
  std::vector<uint32_t> ids;
  for (const Info* info : objects) ids.push_back(info->id);
  return ids;
}

Snapshot Host() {
  Snapshot snapshot;
  snapshot.programs = {{.id = 1, .memory_bytes = 8192, .self = true},
                       {.id = 2, .memory_bytes = 4096},
                       {.id = 3, .memory_bytes = 12288}};
  snapshot.maps = {{.id = 4, .memory_bytes = 10, .self = true}, {.id = 5, .memory_bytes = 20}};
  snapshot.links = {{.id = 6, .self = true}, {.id = 7}};
  snapshot.btf = {{.id = 8, .size_bytes = 5}, {.id = 9, .size_bytes = 6}};
  return snapshot;
}

TEST(CensusView, ShowsTheSnapshotAndTheDeadline) {
  const Snapshot snapshot = Host();
  const std::chrono::steady_clock::time_point deadline{std::chrono::hours(5)};
  const CensusView view = CensusViewBuilder({}).Build(snapshot, deadline);
  EXPECT_EQ(&view.snapshot, &snapshot);
  EXPECT_EQ(view.deadline, deadline);
  EXPECT_THAT(Ids(view.programs.kept), ElementsAre(1, 2, 3));
  EXPECT_THAT(view.programs.dropped, IsEmpty());
}

TEST(CensusView, HideSelfLeavesOutOurOwnObjects) {
  const Snapshot snapshot = Host();
  const CensusView view = CensusViewBuilder({.hide_self = true}).Build(snapshot);
  EXPECT_THAT(Ids(view.programs.kept), ElementsAre(2, 3));
  EXPECT_THAT(view.programs.dropped, IsEmpty()) << "what is hidden is not dropped";
  EXPECT_THAT(Ids(view.maps.kept), ElementsAre(5));
  EXPECT_THAT(Ids(view.links.kept), ElementsAre(7));
  EXPECT_THAT(Ids(view.btf.kept), ElementsAre(8, 9));
}

TEST(CensusView, BeyondTheLimitEachKindDropsItsSmallest) {
  const Snapshot snapshot = Host();
  const CensusView view = CensusViewBuilder({.max_objects = 1}).Build(snapshot);
  EXPECT_THAT(Ids(view.programs.kept), ElementsAre(3));
  EXPECT_THAT(Ids(view.programs.dropped), ElementsAre(1, 2));
  EXPECT_THAT(Ids(view.maps.kept), ElementsAre(5));
  EXPECT_THAT(Ids(view.links.kept), ElementsAre(6)) << "links have no memory: the lower id";
  EXPECT_THAT(Ids(view.btf.kept), ElementsAre(9));
}

TEST(CensusView, TheChoiceStaysFromPollToPoll) {
  Snapshot snapshot;
  snapshot.programs = {{.id = 1, .memory_bytes = 1, .run_time_ns = 2},
                       {.id = 2, .memory_bytes = 1, .run_time_ns = 1}};
  CensusViewBuilder builder({.max_objects = 1});
  EXPECT_THAT(Ids(builder.Build(snapshot).programs.kept), ElementsAre(1));
  snapshot.programs[1].run_time_ns = 9;
  EXPECT_THAT(Ids(builder.Build(snapshot).programs.kept), ElementsAre(1));
  EXPECT_THAT(Ids(CensusViewBuilder({.max_objects = 1}).Build(snapshot).programs.kept),
              ElementsAre(2));
}

}  // namespace
}  // namespace bpftally
