#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "population/census_fixture.h"
#include "population/child.h"
#include "population/kernel_abilities.h"
#include "population/plain_objects.h"

namespace bpftally {
namespace {

struct Ids {
  uint32_t program = 0;
  uint32_t map = 0;
  uint32_t link = 0;
};

// Makes one of each, prints their ids, and holds them until it is ended.
void HoldOneOfEach(int tell) {
  const UniqueFd program = IteratorProgram();
  const UniqueFd map = PlainMap();
  const UniqueFd link = IteratorLink(program.get());
  const Ids ids = {.program = IdOf(ObjectKind::kProgram, program.get()),
                   .map = IdOf(ObjectKind::kMap, map.get()),
                   .link = IdOf(ObjectKind::kLink, link.get())};
  if (::write(tell, &ids, sizeof(ids)) == sizeof(ids)) ::pause();
}

// A foreign process that holds one of each.
class Holder {
 public:
  Holder() : pipe_(Pipe()), child_([this] { HoldOneOfEach(pipe_[1].get()); }) {
    if (::read(pipe_[0].get(), &ids_, sizeof(ids_)) != sizeof(ids_)) ids_ = {};
  }
  const Ids& ids() const { return ids_; }
  const Child& child() const { return child_; }
  void Kill() { child_.Kill(); }

 private:
  static std::array<UniqueFd, 2> Pipe() {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe(ends.data()) != 0) ADD_FAILURE() << "pipe";
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
  }

  std::array<UniqueFd, 2> pipe_;
  Ids ids_;
  Child child_;
};

class LifetimeTest : public CensusTest, public ::testing::WithParamInterface<SourceChoice> {
 protected:
  static void ExpectSeen(const Snapshot& snapshot, const Ids& ids) {
    EXPECT_NE(FindId(snapshot.programs, ids.program), nullptr);
    EXPECT_NE(FindId(snapshot.maps, ids.map), nullptr);
    EXPECT_NE(FindId(snapshot.links, ids.link), nullptr);
  }

  static void ExpectGone(const Ids& ids) {
    EXPECT_TRUE(IsGoneSoon(ObjectKind::kLink, ids.link));
    EXPECT_TRUE(IsGoneSoon(ObjectKind::kProgram, ids.program));
    EXPECT_TRUE(IsGoneSoon(ObjectKind::kMap, ids.map));
  }
};

TEST_P(LifetimeTest, Fault05KeepsNoForeignObjectAlive) {
  const auto reader = Reader({.source = GetParam(), .scan_entries = true});
  ASSERT_NE(reader, nullptr);
  Holder holder;
  ASSERT_NE(holder.ids().link, 0u);
  ExpectSeen(TakeFrom(*reader), holder.ids());
  holder.Kill();
  ExpectGone(holder.ids());
  const Snapshot after = TakeFrom(*reader);
  EXPECT_EQ(FindId(after.programs, holder.ids().program), nullptr);
  EXPECT_EQ(FindId(after.maps, holder.ids().map), nullptr);
  EXPECT_EQ(FindId(after.links, holder.ids().link), nullptr);
}

TEST_P(LifetimeTest, Fault05KeepsNothingThatEndsDuringAWalk) {
  const auto reader = Reader({.source = GetParam()});
  ASSERT_NE(reader, nullptr);
  for (int round = 0; round < 20; ++round) {
    Holder holder;
    ASSERT_NE(holder.ids().link, 0u);
    std::jthread walker([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) TakeFrom(*reader);
    });
    holder.child().Signal();
    ExpectGone(holder.ids());
    holder.Kill();
  }
}

TEST_P(LifetimeTest, Fault24LeavesNothingBehind) {
  auto reader = Reader({.source = GetParam()});
  ASSERT_NE(reader, nullptr);
  const Snapshot snapshot = TakeFrom(*reader);
  const auto own = [](const auto& objects) {
    std::vector<uint32_t> ids;
    for (const auto& object : objects) {
      if (object.self) ids.push_back(object.id);
    }
    return ids;
  };
  const std::vector<uint32_t> programs = own(snapshot.programs);
  const std::vector<uint32_t> maps = own(snapshot.maps);
  const std::vector<uint32_t> links = own(snapshot.links);
  EXPECT_EQ(programs.size(), GetParam() == SourceChoice::kSyscall ? 0 : 3);
  EXPECT_EQ(links.size(), programs.size());
  const bool knows_maps = GetParam() == SourceChoice::kAuto || IteratorsReadAll();
  EXPECT_EQ(maps.empty(), programs.empty() || !knows_maps);
  reader.reset();
  for (const uint32_t id : links) EXPECT_TRUE(IsGoneSoon(ObjectKind::kLink, id));
  for (const uint32_t id : programs) EXPECT_TRUE(IsGoneSoon(ObjectKind::kProgram, id));
  for (const uint32_t id : maps) EXPECT_TRUE(IsGoneSoon(ObjectKind::kMap, id));
}

INSTANTIATE_TEST_SUITE_P(Source, LifetimeTest,
                         ::testing::Values(SourceChoice::kIterator, SourceChoice::kSyscall,
                                           SourceChoice::kAuto),
                         SourceOfTest);

}  // namespace
}  // namespace bpftally
