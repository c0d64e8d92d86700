// Thousands of objects: many buffers' worth of records, and nothing lost between them.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "kernel/population/census_fixture.h"
#include "kernel/population/plain_objects.h"

namespace bpftally {
namespace {

constexpr size_t kCrowd = 5000;

class CrowdTest : public CensusTest, public ::testing::WithParamInterface<Source> {};

template <typename Info>
size_t CountPresent(const std::vector<Info>& listed, ObjectKind kind,
                    const std::vector<UniqueFd>& made) {
  size_t present = 0;
  for (const UniqueFd& fd : made)
    present += std::ranges::binary_search(listed, IdOf(kind, fd.get()), {}, &Info::id) ? 1 : 0;
  return present;
}

TEST_P(CrowdTest, IsSeenWhole) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 4 * kCrowd)
    GTEST_SKIP() << "needs a limit of " << 4 * kCrowd << " open files";

  std::vector<UniqueFd> programs, maps, links;
  const UniqueFd linked = IteratorProgram();
  for (size_t i = 0; i < kCrowd; ++i) {
    programs.push_back(PlainProgram(BPF_PROG_TYPE_SOCKET_FILTER));
    maps.push_back(PlainMap());
    links.push_back(IteratorLink(linked.get()));
  }
  const Snapshot snapshot = Take({.source = GetParam()});
  EXPECT_EQ(CountPresent(snapshot.programs, ObjectKind::kProgram, programs), kCrowd);
  EXPECT_EQ(CountPresent(snapshot.maps, ObjectKind::kMap, maps), kCrowd);
  EXPECT_EQ(CountPresent(snapshot.links, ObjectKind::kLink, links), kCrowd);
}

INSTANTIATE_TEST_SUITE_P(Road, CrowdTest,
                         ::testing::Values(Source::kIterator, Source::kSyscall, Source::kAuto),
                         RoadOfTest);

}  // namespace
}  // namespace bpftally
