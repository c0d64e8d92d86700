// Measures the census of the running kernel (run.sh puts a population there) beside its two
// baselines: iterators that only emit records, and the bare id walk. Needs root.

#include <benchmark/benchmark.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "census/iterator_reader.h"
#include "census/snapshot_reader.h"
#include "collect/collector.h"
#include "collect/collector_set.h"
#include "export/prometheus/text_writer.h"
#include "kernel/bpf_sys.h"
#include "kernel/iterator_loader.h"
#include "kernel/object_info.h"
#include "kernel/real_bpf_sys.h"
#include "minimal_iterators.skel.h"

namespace bpftally {
namespace {

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

int Checked(int fd, const char* what) {
  if (fd < 0) Die(what);
  return fd;
}

std::vector<UniqueFd> MinimalLinks() {
  static minimal_iterators* const kSkeleton = minimal_iterators__open_and_load();
  if (kSkeleton == nullptr) Die("load of the minimal iterators");
  std::vector<UniqueFd> links;
  for (const bpf_program* program :
       {kSkeleton->progs.minimal_programs, kSkeleton->progs.minimal_maps,
        kSkeleton->progs.minimal_links}) {
    links.emplace_back(Checked(
        bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, nullptr), "BPF_LINK_CREATE"));
  }
  return links;
}

Pass EndlessPass(BpfSys& sys) {
  return {
      .sys = sys, .clock = SystemClock(), .deadline = std::chrono::steady_clock::time_point::max()};
}

void ReadAll(benchmark::State& state, const std::vector<UniqueFd>& links) {
  const auto sys = MakeRealBpfSys();
  const Pass pass = EndlessPass(*sys);
  std::vector<std::byte> buffer;
  size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (const UniqueFd& link : links) {
      const auto stream = ReadIterator(pass, link.get(), buffer);
      if (!stream.ended) return state.SkipWithError(stream.ended.error().message.c_str());
      bytes += stream.bytes.size();
    }
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}

// Keeps the links of one kind, or of all three if `kind` is 3.
std::vector<UniqueFd> Only(std::vector<UniqueFd> links, int64_t kind) {
  if (kind == static_cast<int64_t>(links.size())) return links;
  std::vector<UniqueFd> one;
  one.push_back(std::move(links[static_cast<size_t>(kind)]));
  return one;
}

void BM_MinimalIterators(benchmark::State& state) {
  ReadAll(state, Only(MinimalLinks(), state.range(0)));
}
BENCHMARK(BM_MinimalIterators)->DenseRange(0, 3)->Unit(benchmark::kMicrosecond);

void BM_CensusIterators(benchmark::State& state) {
  std::vector<UniqueFd> links;
  for (const ObjectKind kind : {ObjectKind::kProgram, ObjectKind::kMap, ObjectKind::kLink}) {
    auto link = LoadIteratorProgram(kind, true);
    if (!link) return state.SkipWithError(link.error().message.c_str());
    links.push_back(std::move(*link));
  }
  ReadAll(state, Only(std::move(links), state.range(0)));
}
BENCHMARK(BM_CensusIterators)->DenseRange(0, 3)->Unit(benchmark::kMicrosecond);

template <typename Info>
Result<void> AskEach(const Pass& pass, ObjectKind kind) {
  uint64_t vanished = 0;
  return WalkObjects(pass, kind, vanished, [&](uint32_t, int fd) -> Result<void> {
    Info info{};
    const auto known = GetInfo(pass.sys, fd, info);
    benchmark::DoNotOptimize(info);
    return known ? Result<void>() : std::unexpected(known.error());
  });
}

void BM_BareIdWalk(benchmark::State& state) {
  const auto sys = MakeRealBpfSys();
  const Pass pass = EndlessPass(*sys);
  for (auto _ : state) {
    const auto programs = AskEach<bpf_prog_info>(pass, ObjectKind::kProgram);
    const auto maps = AskEach<bpf_map_info>(pass, ObjectKind::kMap);
    const auto links = AskEach<bpf_link_info>(pass, ObjectKind::kLink);
    if (!programs || !maps || !links) return state.SkipWithError("the id walk failed");
  }
}
BENCHMARK(BM_BareIdWalk)->Unit(benchmark::kMicrosecond);

// Walks, collects and formats with everything on: the cost of any scrape but the first.
void WholePoll(benchmark::State& state, ReaderOptions options) {
  const auto sys = MakeRealBpfSys();
  auto reader = SnapshotReader::Create(*sys, SystemClock(), options);
  if (!reader) return state.SkipWithError(reader.error().message.c_str());
  CollectorSet collectors(MakeCollectors({.max_objects = 100'000}), SystemClock());
  size_t bytes = 0;
  size_t series = 0;
  const auto poll = [&] {
    MetricBatch batch;
    collectors.Collect(*(*reader)->Take(std::chrono::steady_clock::time_point::max()), batch);
    bytes = 0;
    WriteText(batch, TextFormat::kPrometheus004,
              [&](std::string_view text) { bytes += text.size(); });
    series = batch.sample_count();
  };
  poll();  // an object costs more when it is seen for the first time
  for (auto _ : state) poll();
  state.counters["bytes"] = static_cast<double>(bytes);
  state.counters["series"] = static_cast<double>(series);
}

void BM_WholePoll(benchmark::State& state) { WholePoll(state, {}); }
BENCHMARK(BM_WholePoll)->Unit(benchmark::kMicrosecond);

void BM_WholePollWithRunStats(benchmark::State& state) { WholePoll(state, {.run_stats = true}); }
BENCHMARK(BM_WholePollWithRunStats)->Unit(benchmark::kMicrosecond);

void BM_WholePollBySyscall(benchmark::State& state) {
  WholePoll(state, {.source = SourceChoice::kSyscall});
}
BENCHMARK(BM_WholePollBySyscall)->Unit(benchmark::kMicrosecond);

void BM_TakeOnly(benchmark::State& state) {
  const auto sys = MakeRealBpfSys();
  auto reader = SnapshotReader::Create(*sys, SystemClock(), {});
  if (!reader) return state.SkipWithError(reader.error().message.c_str());
  for (auto _ : state)
    benchmark::DoNotOptimize((*reader)->Take(std::chrono::steady_clock::time_point::max()));
}
BENCHMARK(BM_TakeOnly)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace bpftally

BENCHMARK_MAIN();
