// Thousands of objects: many buffers' worth of records, and nothing lost between them. They come
// and go in slices, as the kernel must not free a thousand programs at once.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "population/census_fixture.h"
#include "population/plain_objects.h"

namespace bpftally {
namespace {

constexpr size_t kCrowd = 5000;
// Some buffers' worth, and no more than may go at once: a test that is killed frees no slices.
constexpr size_t kPrograms = 400;

struct Slice {
  FreedWatch watch;
  std::vector<UniqueFd> programs, maps, links;
};

Slice MakeSlice(size_t programs, size_t others, int iterator_program) {
  Slice slice;
  for (size_t i = 0; i < programs; ++i) {
    slice.programs.push_back(PlainProgram(BPF_PROG_TYPE_SOCKET_FILTER));
    slice.watch.Watch(slice.programs.back().get());
  }
  for (size_t i = 0; i < others; ++i) {
    slice.maps.push_back(PlainMap());
    slice.links.push_back(IteratorLink(iterator_program));
  }
  return slice;
}

bool Free(Slice& slice) {
  slice.links.clear();
  slice.maps.clear();
  slice.programs.clear();
  return slice.watch.WaitUntilFreed();
}

class CrowdTest : public CensusTest, public ::testing::WithParamInterface<SourceChoice> {
 protected:
  void SetUp() override {
    CensusTest::SetUp();
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 4 * kCrowd)
      GTEST_SKIP() << "needs a limit of " << 4 * kCrowd << " open files";
  }

  void TearDown() override {
    for (; !slices_.empty(); slices_.pop_front())
      EXPECT_TRUE(Free(slices_.front())) << "the kernel does not free its programs";
  }

  std::deque<Slice> slices_;
};

template <typename Info>
size_t CountPresent(const std::vector<Info>& listed, ObjectKind kind,
                    const std::vector<UniqueFd>& made) {
  size_t present = 0;
  for (const UniqueFd& fd : made)
    present += std::ranges::binary_search(listed, IdOf(kind, fd.get()), {}, &Info::id) ? 1 : 0;
  return present;
}

TEST_P(CrowdTest, Fault34ThousandsAreSeenWhole) {
  constexpr size_t kSlices = 4;
  const UniqueFd linked = IteratorProgram();
  for (size_t i = 0; i < kSlices; ++i)
    slices_.push_back(MakeSlice(kPrograms / kSlices, kCrowd / kSlices, linked.get()));
  const Snapshot snapshot = Take({.source = GetParam()});
  size_t programs = 0, maps = 0, links = 0;
  for (const Slice& slice : slices_) {
    programs += CountPresent(snapshot.programs, ObjectKind::kProgram, slice.programs);
    maps += CountPresent(snapshot.maps, ObjectKind::kMap, slice.maps);
    links += CountPresent(snapshot.links, ObjectKind::kLink, slice.links);
  }
  EXPECT_EQ(programs, kPrograms);
  EXPECT_EQ(maps, kCrowd);
  EXPECT_EQ(links, kCrowd);
}

INSTANTIATE_TEST_SUITE_P(Source, CrowdTest,
                         ::testing::Values(SourceChoice::kIterator, SourceChoice::kSyscall,
                                           SourceChoice::kAuto),
                         SourceOfTest);

}  // namespace
}  // namespace bpftally
