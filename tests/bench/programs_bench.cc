// A map of 100,000 entries with two `uint` labels as metrics (BPFTALLY_BENCH_ENTRIES for another
// number), beside what cannot be done without: reading the map in batches, and spelling the bare
// lines. Needs root and the running kernel.

#include <benchmark/benchmark.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <malloc.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "export/text_writer.h"
#include "kernel/snapshot_reader.h"
#include "programs/program_runner.h"

namespace bpftally {
namespace {

constexpr uint32_t kBatch = 4096;

struct Key {
  uint32_t zone = 0;
  uint32_t area = 0;
};

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

uint32_t EntryCount() {
  const char* count = std::getenv("BPFTALLY_BENCH_ENTRIES");
  return count == nullptr ? 100'000 : static_cast<uint32_t>(std::strtoul(count, nullptr, 10));
}

size_t Cpus() {
  static const size_t kCpus = PossibleCpus(*MakeRealBpfSys()).value();
  return kCpus;
}

// Passes on, and counts.
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

// A full map, and the program that it is said to belong to.
class FullMap final : public LoadedProgram {
 public:
  explicit FullMap(bpf_map_type type)
      : fd_(bpf_map_create(type, "bench", sizeof(Key), sizeof(uint64_t), EntryCount(), nullptr)),
        cpus_(IsPerCpu(type) ? Cpus() : 1) {
    if (!fd_) Die("BPF_MAP_CREATE");
    for (uint32_t i = 0; i < EntryCount(); ++i) {
      const Key key{i % 100, i};
      const std::vector<uint64_t> values(cpus_, uint64_t{i} * 7);
      if (bpf_map_update_elem(fd_.get(), &key, values.data(), BPF_ANY) != 0) Die("update");
    }
    maps_ = {{.name = "bench",
              .fd = fd_.get(),
              .type = type,
              .key_size = sizeof(Key),
              .value_size = sizeof(uint64_t),
              .max_entries = EntryCount()}};
  }

  const std::vector<AttachStatus>& statuses() const override { return statuses_; }
  const std::vector<LoadedMap>& maps() const override { return maps_; }
  Result<ProgramRunStats> RunStats(size_t) override { return ProgramRunStats(); }
  Result<void> RunIterators(std::chrono::steady_clock::time_point, const Clock&) override {
    return {};
  }
  size_t cpus() const { return cpus_; }

 private:
  UniqueFd fd_;
  size_t cpus_;
  std::vector<AttachStatus> statuses_;
  std::vector<LoadedMap> maps_;
};

MetricPlan Plan() {
  return {.name = "ebpf_exporter_bench_entries_total",
          .help = "Entries.",
          .map = "bench",
          .labels = {{"zone", {0, 4}, {{.name = "uint"}}}, {"area", {4, 4}, {{.name = "uint"}}}},
          .key_size = sizeof(Key)};
}

// The bare system calls, into memory that is there already.
template <typename Visit>
void ReadInBatches(const FullMap& map, Visit visit) {
  static std::vector<Key> keys(kBatch);
  std::vector<uint64_t> values(kBatch * map.cpus());
  uint32_t cursor = 0;
  bool first = true;
  for (int failed = 0; failed == 0; first = false) {
    uint32_t count = kBatch;
    failed = bpf_map_lookup_batch(map.maps()[0].fd, first ? nullptr : &cursor, &cursor, keys.data(),
                                  values.data(), &count, nullptr);
    if (failed != 0 && errno != ENOENT) Die("BPF_MAP_LOOKUP_BATCH");
    visit(std::span(keys).first(count), std::span<const uint64_t>(values));
  }
}

char* Spell(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

// The lines, from the entries as they lie there.
size_t SpellLines(std::span<const Key> keys, std::span<const uint64_t> values, size_t cpus) {
  constexpr size_t kLine = 128;
  static std::vector<char> text(kBatch * kLine);
  char* at = text.data();
  for (size_t i = 0; i < keys.size(); ++i) {
    double sum = 0;
    for (size_t cpu = 0; cpu < cpus; ++cpu) sum += static_cast<double>(values[i * cpus + cpu]);
    at = Spell(at, "ebpf_exporter_bench_entries_total{area=\"");
    at = std::to_chars(at, at + kLine, keys[i].area).ptr;
    at = Spell(at, "\",zone=\"");
    at = std::to_chars(at, at + kLine, keys[i].zone).ptr;
    at = Spell(at, "\"} ");
    at = std::to_chars(at, at + kLine, sum).ptr;
    at = Spell(at, "\n");
  }
  benchmark::ClobberMemory();
  return static_cast<size_t>(at - text.data());
}

void FloorBatchRead(benchmark::State& state, bpf_map_type type) {
  const FullMap map(type);
  while (state.KeepRunning())
    ReadInBatches(map, [](auto keys, auto) { benchmark::DoNotOptimize(keys.data()); });
}

void FloorBatchReadAndBareText(benchmark::State& state, bpf_map_type type) {
  const FullMap map(type);
  size_t bytes = 0;
  while (state.KeepRunning()) {
    bytes = 0;
    ReadInBatches(map,
                  [&](auto keys, auto values) { bytes += SpellLines(keys, values, map.cpus()); });
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

// What a scrape does: look at all metrics, write the text.
void Scrape(benchmark::State& state, bpf_map_type type) {
  CountingSys sys;
  ProgramRunner runner({.sys = sys,
                        .clock = SystemClock(),
                        .sources = {},
                        .event_sources = {},
                        .possible_cpus = Cpus()},
                       {});
  runner.Add({.name = "bench", .metrics = {Plan()}}, std::make_unique<FullMap>(type));
  ::malloc_trim(0);
  const size_t idle = ResidentBytes();
  size_t bytes = 0;
  size_t most = 0;
  while (state.KeepRunning()) {
    sys.calls = 0;
    bytes = 0;
    MetricBatch batch;
    if (!runner.Collect(SystemClock().Now() + std::chrono::minutes(1), batch)) Die("Collect");
    WriteText(batch, TextFormat::kPrometheus004, [&](std::string_view piece) {
      bytes += piece.size();
      benchmark::DoNotOptimize(piece.data());
    });
    most = std::max(most, ResidentBytes() - idle);
  }
  state.counters["bytes"] = static_cast<double>(bytes);
  state.counters["kernel_calls"] = static_cast<double>(sys.calls);
  state.counters["MiB_above_idle"] = static_cast<double>(most) / (1 << 20);
}

#define BENCH(function, type) \
  BENCHMARK_CAPTURE(function, type, BPF_MAP_TYPE_##type)->Unit(benchmark::kMillisecond)

BENCH(FloorBatchRead, HASH);
BENCH(FloorBatchReadAndBareText, HASH);
BENCH(Scrape, HASH);
BENCH(FloorBatchRead, PERCPU_HASH);
BENCH(FloorBatchReadAndBareText, PERCPU_HASH);
BENCH(Scrape, PERCPU_HASH);

}  // namespace
}  // namespace bpftally

BENCHMARK_MAIN();
