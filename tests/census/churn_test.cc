#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "population/census_fixture.h"
#include "population/child.h"
#include "population/plain_objects.h"

namespace bpftally {
namespace {

#ifdef BPFTALLY_SANITIZED
constexpr bool kMemoryTellsOfUs = false;  // sanitizers keep what was freed
#else
constexpr bool kMemoryTellsOfUs = true;
#endif

// Makes and drops batches of programs, maps and links for ever, each when the last is freed. A
// batch, so that a walk always finds ids that are about to go.
void ChurnForEver(int iterator_program) {
  bool freed = true;
  while (freed) {
    FreedWatch watch;
    std::array<UniqueFd, 48> batch;
    for (size_t i = 0; i < batch.size(); i += 3) {
      batch[i] = PlainProgram(BPF_PROG_TYPE_SOCKET_FILTER);
      watch.Watch(batch[i].get());
      batch[i + 1] = PlainMap();
      batch[i + 2] = IteratorLink(iterator_program);
    }
    batch = {};
    freed = watch.WaitUntilFreed();
  }
}

size_t OpenFds() {
  const std::filesystem::directory_iterator fds("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(fds), end(fds)));
}

size_t ResidentPages() {
  size_t whole = 0;
  size_t resident = 0;
  std::ifstream("/proc/self/statm") >> whole >> resident;
  return resident;
}

template <typename Info>
void ExpectAscending(const std::vector<Info>& objects) {
  uint32_t last = 0;
  for (const Info& object : objects) {
    EXPECT_GT(object.id, last) << "not ascending, or twice";
    last = object.id;
  }
}

class ChurnTest : public CensusTest, public ::testing::WithParamInterface<SourceChoice> {
 protected:
  static void ExpectGood(const Snapshot& snapshot) {
    for (const ObjectKind kind : kObjectKinds) {
      const KindStatus& status = snapshot.StatusOf(kind);
      if (status.source == Source::kNone) continue;  // no iterator over BTF objects
      EXPECT_TRUE(status.complete) << ObjectKindName(kind);
      EXPECT_FALSE(status.error) << status.error->message;
    }
    ExpectAscending(snapshot.programs);
    ExpectAscending(snapshot.maps);
    ExpectAscending(snapshot.links);
    ExpectAscending(snapshot.btf);
  }

  static uint64_t Vanished(const Snapshot& snapshot) {
    uint64_t vanished = 0;
    for (const ObjectKind kind : kObjectKinds) vanished += snapshot.StatusOf(kind).vanished;
    return vanished;
  }
};

TEST_P(ChurnTest, Fault01ThousandWalksSeeNoErrorAndLeakNothing) {
  const UniqueFd program = IteratorProgram();
  ASSERT_TRUE(program) << "errno " << errno;
  const Child child([&] { ChurnForEver(program.get()); });
  const auto reader = Reader({.source = GetParam()});
  ASSERT_NE(reader, nullptr);
  uint64_t vanished = 0;
  uint32_t highest = 0;
  const auto walk = [&] {
    const Snapshot snapshot = TakeFrom(*reader);
    ExpectGood(snapshot);
    vanished += Vanished(snapshot);
    if (!snapshot.programs.empty()) highest = std::max(highest, snapshot.programs.back().id);
  };
  for (int i = 0; i < 100; ++i) walk();
  const size_t fds = OpenFds();
  const size_t resident = ResidentPages();
  const uint32_t first = highest;
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  const auto has_churned = [&] { return highest > first + 500; };
  for (int i = 0; (i < 1000 || !has_churned()) && !HasFailure(); ++i) {
    walk();
    ASSERT_LT(std::chrono::steady_clock::now(), end) << "the child does not churn";
  }
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(OpenFds(), fds);
  if (kMemoryTellsOfUs) {
    EXPECT_LT(ResidentPages(), resident + 256) << "caches that never shrink";
  }
  if (GetParam() != SourceChoice::kSyscall) return;
  // On one slow CPU the child may need a few walks more to get in between.
  for (int i = 0; i < 10'000 && vanished == 0; ++i) walk();
  EXPECT_GT(vanished, 0u);
}

INSTANTIATE_TEST_SUITE_P(Source, ChurnTest,
                         ::testing::Values(SourceChoice::kIterator, SourceChoice::kSyscall,
                                           SourceChoice::kAuto),
                         SourceOfTest);

}  // namespace
}  // namespace bpftally
