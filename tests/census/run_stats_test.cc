#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "population/census_fixture.h"
#include "population/kernel_abilities.h"
#include "population/libbpf_options.h"
#include "population/plain_objects.h"

namespace bpftally {
namespace {

std::string Sysctl() {
  std::string value;
  std::ifstream("/proc/sys/kernel/bpf_stats_enabled") >> value;
  return value;
}

bool RunOnCpu(int program, uint32_t cpu) {
  std::array<uint64_t, 4> arguments{};
  auto options = EmptyOptions<bpf_test_run_opts>();
  options.ctx_in = arguments.data();
  options.ctx_size_in = sizeof(arguments);
  options.flags = BPF_F_TEST_RUN_ON_CPU;
  options.cpu = cpu;
  return bpf_prog_test_run_opts(program, &options) == 0;
}

bpf_prog_info InfoOf(int program) {
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  EXPECT_EQ(bpf_prog_get_info_by_fd(program, &info, &size), 0);
  return info;
}

class RunStatsTest : public CensusTest, public ::testing::WithParamInterface<SourceChoice> {
 protected:
  void SetUp() override {
    CensusTest::SetUp();
    if (IsSkipped()) return;
    if (Sysctl() == "1")
      GTEST_SKIP() << "kernel.bpf_stats_enabled is set: statistics are never off";
    program_ = PlainProgram(BPF_PROG_TYPE_RAW_TRACEPOINT);
    ASSERT_TRUE(program_);
    id_ = IdOf(ObjectKind::kProgram, program_.get());
    Run(1);
    if (InfoOf(program_.get()).run_cnt != 0)
      GTEST_SKIP() << "another process has statistics on: they are never off";
  }

  void Run(int times, uint32_t cpu = 0) {
    for (int i = 0; i < times; ++i) ASSERT_TRUE(RunOnCpu(program_.get(), cpu));
  }

  UniqueFd program_;
  uint32_t id_ = 0;
};

TEST_P(RunStatsTest, CountsExactlyWhatRanOnEveryCpu) {
  if (GetParam() == SourceChoice::kIterator && !IteratorsReadAll())
    GTEST_SKIP() << "before 6.2, lockdown=confidentiality keeps iterators from per-CPU numbers";
  Run(5);  // not counted: nobody has turned statistics on
  const auto reader = Reader({.source = GetParam(), .run_stats = true});
  ASSERT_NE(reader, nullptr);
  const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  uint64_t runs = 0;
  for (long cpu = 0; cpu < cpus; ++cpu) {
    Run(static_cast<int>(1000 + 10 * cpu), static_cast<uint32_t>(cpu));
    runs += static_cast<uint64_t>(1000 + 10 * cpu);
  }
  const Snapshot snapshot = TakeFrom(*reader);
  EXPECT_EQ(snapshot.stats_enabled, true);
  const ProgramInfo* program = FindId(snapshot.programs, id_);
  ASSERT_NE(program, nullptr);
  EXPECT_EQ(program->run_count, runs);
  EXPECT_EQ(program->run_time_ns, InfoOf(program_.get()).run_time_ns);
  EXPECT_GT(program->run_time_ns, 0u);
  EXPECT_EQ(program->recursion_misses, 0u);
}

TEST_P(RunStatsTest, Fault17AreUnknownWhileOff) {
  Run(5);
  const Snapshot snapshot = Take({.source = GetParam()});
  EXPECT_EQ(snapshot.stats_enabled, false);
  for (const ProgramInfo& program : snapshot.programs) {
    EXPECT_FALSE(program.run_count) << program.name;
    EXPECT_FALSE(program.run_time_ns) << program.name;
  }
}

TEST_P(RunStatsTest, Fault17EndWithTheReaderAndTheSysctlIsNotTouched) {
  const std::string before = Sysctl();
  auto reader = Reader({.source = GetParam(), .run_stats = true});
  ASSERT_NE(reader, nullptr);
  TakeFrom(*reader);
  EXPECT_EQ(Sysctl(), before);
  Run(7);
  reader.reset();
  Run(9);  // not counted any more
  EXPECT_EQ(InfoOf(program_.get()).run_cnt, 7u);
  EXPECT_EQ(Sysctl(), before);
}

TEST_P(RunStatsTest, Fault17OfAnotherAreLeftOn) {
  const UniqueFd another(bpf_enable_stats(BPF_STATS_RUN_TIME));
  ASSERT_TRUE(another);
  auto reader = Reader({.source = GetParam(), .run_stats = true});
  ASSERT_NE(reader, nullptr);
  TakeFrom(*reader);
  reader.reset();
  Run(9);
  EXPECT_EQ(InfoOf(program_.get()).run_cnt, 9u);
}

INSTANTIATE_TEST_SUITE_P(Source, RunStatsTest,
                         ::testing::Values(SourceChoice::kIterator, SourceChoice::kSyscall,
                                           SourceChoice::kAuto),
                         SourceOfTest);

}  // namespace
}  // namespace bpftally
