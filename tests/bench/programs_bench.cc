// Measures a map with two `uint` labels as metrics beside its baseline: reading the map in batches
// and formatting the bare lines. Needs root and the running kernel.

#include <benchmark/benchmark.h>
#include <linux/bpf.h>
#include <malloc.h>

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bare_map.h"
#include "export/prometheus/text_writer.h"
#include "host/cpus.h"
#include "kernel/map_handle.h"
#include "kernel/real_bpf_sys.h"
#include "programs/plan/plan.h"
#include "programs/run/program_table.h"

namespace bpftally {
namespace {

using bench::Checked, bench::Die;

size_t Cpus() {
  static const size_t kCpus = PossibleCpus(*MakeRealBpfSys()).value();
  return kCpus;
}

// Forwards the calls and counts them.
class CountingSys final : public BpfSys {
 public:
  Result<std::optional<uint32_t>> NextId(ObjectKind kind, uint32_t after) override {
    return ++calls, real_->NextId(kind, after);
  }
  Result<UniqueFd> OpenById(ObjectKind kind, uint32_t id) override {
    return ++calls, real_->OpenById(kind, id);
  }
  Result<size_t> ObjectInfo(int fd, std::span<std::byte> info) override {
    return ++calls, real_->ObjectInfo(fd, info);
  }
  Result<std::string> FdInfo(int fd) override { return ++calls, real_->FdInfo(fd); }
  Result<UniqueFd> LoadIterator(ObjectKind kind, bool may_probe_read) override {
    return ++calls, real_->LoadIterator(kind, may_probe_read);
  }
  Result<UniqueFd> CreateIterator(int fd) override { return ++calls, real_->CreateIterator(fd); }
  Result<size_t> Read(int fd, std::span<std::byte> buffer) override {
    return ++calls, real_->Read(fd, buffer);
  }
  Result<UniqueFd> EnableRunStats() override { return ++calls, real_->EnableRunStats(); }
  Result<bool> NextKey(int fd, std::span<const std::byte> key, std::span<std::byte> next) override {
    return ++calls, real_->NextKey(fd, key, next);
  }
  Result<void> LookupElement(int fd, std::span<const std::byte> key,
                             std::span<std::byte> value) override {
    return ++calls, real_->LookupElement(fd, key, value);
  }
  Result<BatchAnswer> LookupBatch(int fd, const BatchBuffers& buffers) override {
    return ++calls, real_->LookupBatch(fd, buffers);
  }
  Result<void> CopyMapped(int fd, size_t offset, std::span<std::byte> into) override {
    return ++calls, real_->CopyMapped(fd, offset, into);
  }
  Result<std::string> ReadFile(const std::string& path) override {
    return ++calls, real_->ReadFile(path);
  }
  Result<std::string> CgroupPath(uint64_t id) override { return ++calls, real_->CgroupPath(id); }
  Result<uint64_t> OpenFdCount() override { return ++calls, real_->OpenFdCount(); }

  uint64_t calls = 0;

 private:
  const std::unique_ptr<BpfSys> real_ = MakeRealBpfSys();
};

// Keeps one map of each type for the whole run, so that all cases read the same memory.
const bench::BareMap& FullMap(bpf_map_type type, uint32_t entries) {
  static std::map<std::pair<bpf_map_type, uint32_t>, bench::BareMap> maps;
  const auto [place, fresh] = maps.try_emplace({type, entries});
  if (fresh) {
    place->second = bench::MakeMap(type, entries, Cpus());
    bench::Fill(place->second, entries);
  }
  return place->second;
}

// Stands for the program that owns a full map.
class FullProgram final : public LoadedProgram {
 public:
  FullProgram(bpf_map_type type, uint32_t entries)
      : maps_({{.name = "bench",
                .fd = FullMap(type, entries).fd,
                .type = type,
                .key_size = sizeof(bench::Key),
                .value_size = sizeof(uint64_t),
                .max_entries = entries}}) {}

  const std::vector<AttachStatus>& statuses() const override { return statuses_; }
  const std::vector<MapHandle>& maps() const override { return maps_; }
  Result<ProgramRunStats> RunStats(size_t) override { return ProgramRunStats(); }
  Result<void> RunIterators(std::chrono::steady_clock::time_point, const Clock&) override {
    return {};
  }

 private:
  std::vector<AttachStatus> statuses_;
  std::vector<MapHandle> maps_;
};

SourcePlan Plan() {
  const FieldPlan value{.size = sizeof(uint64_t), .part = Part::kValue};
  return {.from = MapSource{"bench"},
          .key_size = sizeof(bench::Key),
          .value_size = sizeof(uint64_t),
          .metrics = {{.name = "ebpf_exporter_bench_entries_total",
                       .help = "Entries.",
                       .labels = {{"zone", {0, 4}, {{.name = "uint"}}},
                                  {"area", {4, 4}, {{.name = "uint"}}}},
                       .instrument = CounterPlan{.value = {.field = value, .as_double = true}}}}};
}

uint32_t Entries(const benchmark::State& state) { return static_cast<uint32_t>(state.range(0)); }

void BaselineBatchRead(benchmark::State& state, bpf_map_type type) {
  const bench::BareMap& map = FullMap(type, Entries(state));
  while (state.KeepRunning())
    bench::ReadInBatches(map, [](auto keys, auto) { benchmark::DoNotOptimize(keys.data()); });
}

void BaselineBatchReadAndBareText(benchmark::State& state, bpf_map_type type) {
  const bench::BareMap& map = FullMap(type, Entries(state));
  size_t bytes = 0;
  while (state.KeepRunning()) {
    bytes = 0;
    bench::ReadInBatches(map, [&](auto keys, auto values) {
      const std::string_view text = bench::SpellLines(keys, values, map.cpus);
      benchmark::DoNotOptimize(text.data());
      bytes += text.size();
    });
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}

size_t ResidentBytes() {
  constexpr size_t kPage = 4096;
  size_t whole = 0;
  size_t resident = 0;
  std::ifstream("/proc/self/statm") >> whole >> resident;
  return resident * kPage;
}

// Does the work of a scrape: polls all metrics and writes the text.
void Scrape(benchmark::State& state, bpf_map_type type) {
  CountingSys sys;
  const auto load = [&](const ProgramPlan&) {
    return std::make_unique<FullProgram>(type, Entries(state));
  };
  ProgramTable table({.sys = sys,
                      .clock = SystemClock(),
                      .sources = {},
                      .event_sources = {},
                      .possible_cpus = Cpus(),
                      .load = load},
                     {});
  if (!table.Add({.name = "bench", .sources = {Plan()}})) Die("Add");
  ::malloc_trim(0);
  const size_t idle = ResidentBytes();
  size_t bytes = 0;
  size_t most = 0;
  while (state.KeepRunning()) {
    sys.calls = 0;
    bytes = 0;
    MetricBatch batch;
    Notices said;
    if (!table.Collect(SystemClock().Now() + std::chrono::minutes(1), batch, said)) Die("Collect");
    WriteText(batch, TextFormat::kPrometheus004, [&](std::string_view chunk) {
      bytes += chunk.size();
      benchmark::DoNotOptimize(chunk.data());
    });
    most = std::max(most, ResidentBytes() - idle);
  }
  state.counters["bytes"] = static_cast<double>(bytes);
  state.counters["kernel_calls"] = static_cast<double>(sys.calls);
  state.counters["MiB_above_idle"] = static_cast<double>(most) / (1 << 20);
}

#define BENCH(function, type)                            \
  BENCHMARK_CAPTURE(function, type, BPF_MAP_TYPE_##type) \
      ->Arg(10'000)                                      \
      ->Arg(100'000)                                     \
      ->Arg(1'000'000)                                   \
      ->Unit(benchmark::kMillisecond)

BENCH(BaselineBatchRead, HASH);
BENCH(BaselineBatchReadAndBareText, HASH);
BENCH(Scrape, HASH);
BENCH(BaselineBatchRead, PERCPU_HASH);
BENCH(BaselineBatchReadAndBareText, PERCPU_HASH);
BENCH(Scrape, PERCPU_HASH);

}  // namespace
}  // namespace bpftally

BENCHMARK_MAIN();
