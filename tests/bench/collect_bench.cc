// Measures one collection, from the snapshot to the batch.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "collect/collector_set.h"

namespace bpftally {
namespace {

ProgramInfo Program(uint32_t id) {
  ProgramInfo info;
  info.id = id;
  info.type = id % 33;
  info.name = "program_of_a_usual_length_" + std::to_string(id);
  info.tag.fill(static_cast<uint8_t>(id));
  info.gpl_compatible = true;
  info.load_time_ns = 1'795'248'000'000'000'000 + id;
  info.uid = 0;
  info.translated_bytes = info.jitted_bytes = info.verified_instructions = id;
  info.memory_bytes = 4096;
  info.run_time_ns = info.run_count = info.recursion_misses = id;
  info.map_ids = {id, id + 1};
  info.btf_id = info.stack_depth_bytes = info.subprograms = id;
  return info;
}

MapInfo Map(uint32_t id) {
  MapInfo info;
  info.id = id;
  info.type = id % 34;
  info.name = "map_name_" + std::to_string(id);
  info.key_size = info.value_size = info.max_entries = id;
  info.map_extra = info.btf_id = info.entries = info.memory_bytes = id;
  info.frozen = false;
  return info;
}

LinkInfo Link(uint32_t id) {
  LinkInfo info;
  info.id = info.program_id = id;
  info.type = id % 15;
  info.attach_type = 42;
  info.target = "a_kernel_function_" + std::to_string(id);
  info.missed = 0;
  return info;
}

Snapshot SnapshotOf(uint32_t objects) {
  Snapshot snapshot;
  for (uint32_t id = 1; id <= objects; ++id) {
    snapshot.programs.push_back(Program(id));
    snapshot.maps.push_back(Map(id));
    snapshot.links.push_back(Link(id));
  }
  for (KindStatus& status : snapshot.status) status.complete = true;
  return snapshot;
}

// Collects state.range(0) programs, maps and links, of which --max-objects keeps state.range(1).
void CollectObjects(benchmark::State& state) {
  const Snapshot snapshot = SnapshotOf(static_cast<uint32_t>(state.range(0)));
  CollectOptions options;
  options.max_objects = static_cast<size_t>(state.range(1));
  CollectorSet set(MakeCollectors(options), SystemClock());
  size_t samples = 0;
  for (auto _ : state) {
    MetricBatch batch;
    set.Collect(snapshot, batch);
    samples = batch.sample_count();
  }
  state.counters["samples"] = static_cast<double>(samples);
}

BENCHMARK(CollectObjects)
    ->Args({1000, 1000})
    ->Args({5000, 5000})
    ->Args({5000, 1000})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace bpftally

BENCHMARK_MAIN();
