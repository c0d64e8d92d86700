// What it costs to write 100,000 series as text, beside what cannot be done without: copying the
// same bytes, and spelling the same numbers.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "export/gzip.h"
#include "export/text_writer.h"
#include "model/metric_batch.h"

namespace bpftally {
namespace {

constexpr uint64_t kFamilies = 20;
constexpr uint64_t kObjects = 5'000;
constexpr uint64_t kSeries = kFamilies * kObjects;
constexpr uint64_t kNanosecondsPerRun = 317;

// Like the census: mostly integers of all lengths, and seconds in one family of five.
Number ValueOf(uint64_t family, uint64_t object) {
  const uint64_t number = (object * 2'654'435'761U) >> (3 * family % 32);
  if (family % 5 != 0) return number;
  return static_cast<double>(number * kNanosecondsPerRun) * 1e-9;
}

MetricBatch MakeBatch() {
  constexpr std::array<std::string_view, 4> kTypes = {"kprobe", "tracepoint", "sched_cls",
                                                      "cgroup_skb"};
  MetricBatch batch;
  std::vector<LabelValues> labels;
  labels.reserve(kObjects);
  for (uint64_t object = 0; object < kObjects; ++object) {
    labels.push_back(batch.Labels({batch.InternNumber(1'000 + object),
                                   batch.Intern(fmt::format("trace_event_{}", object)),
                                   kTypes[object % kTypes.size()]}));
  }
  for (uint64_t i = 0; i < kFamilies; ++i) {
    MetricFamily& family = batch.Add({.name = fmt::format("bpf_program_figure_{}_total", i),
                                      .help = "Something that a program has.",
                                      .type = MetricType::kCounter,
                                      .unit = "",
                                      .label_names = {"id", "name", "type"}},
                                     "bench", kObjects);
    for (uint64_t object = 0; object < kObjects; ++object) {
      family.samples.push_back({.labels = labels[object], .value = ValueOf(i, object)});
    }
  }
  return batch;
}

const MetricBatch& Batch() {
  static const MetricBatch kBatch = MakeBatch();
  return kBatch;
}

void SetRates(benchmark::State& state, size_t bytes) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kSeries));
  state.counters["bytes"] = static_cast<double>(bytes);
}

void Write(benchmark::State& state, TextFormat format) {
  const MetricBatch& batch = Batch();
  size_t bytes = 0;
  while (state.KeepRunning()) {
    bytes = 0;
    WriteText(batch, format, [&](std::string_view piece) { bytes += piece.size(); });
    benchmark::DoNotOptimize(bytes);
  }
  SetRates(state, bytes);
}

void WriteGzip(benchmark::State& state, TextFormat format) {
  const MetricBatch& batch = Batch();
  std::string packed;
  while (state.KeepRunning()) {
    packed.clear();
    GzipStream gzip(&packed);
    WriteText(batch, format, [&](std::string_view piece) { gzip.Write(piece); });
    gzip.Finish();
    benchmark::DoNotOptimize(packed.data());
  }
  SetRates(state, packed.size());
}

// The same text, already there, copied through a buffer of the writer's size.
void FloorCopy(benchmark::State& state) {
  constexpr size_t kPieceBytes = size_t{32} * 1024;
  std::string text;
  WriteText(Batch(), TextFormat::kPrometheus004, [&](std::string_view piece) { text += piece; });
  std::vector<char> buffer(kPieceBytes);
  while (state.KeepRunning()) {
    for (size_t at = 0; at < text.size(); at += kPieceBytes) {
      std::memcpy(buffer.data(), text.data() + at, std::min(kPieceBytes, text.size() - at));
      benchmark::ClobberMemory();
    }
  }
  SetRates(state, text.size());
}

// The same numbers, spelled and thrown away.
void FloorNumbers(benchmark::State& state) {
  constexpr size_t kNumberBytes = 32;
  const MetricBatch& batch = Batch();
  std::array<char, kNumberBytes> text;
  size_t bytes = 0;
  while (state.KeepRunning()) {
    bytes = 0;
    for (const MetricFamily& family : batch.families()) {
      for (const Sample& sample : family.samples) {
        const char* end = std::visit(
            [&](auto value) { return std::to_chars(text.begin(), text.end(), value).ptr; },
            sample.value);
        bytes += static_cast<size_t>(end - text.data());
        benchmark::ClobberMemory();
      }
    }
  }
  SetRates(state, bytes);
}

BENCHMARK_CAPTURE(Write, prometheus, TextFormat::kPrometheus004)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Write, openmetrics, TextFormat::kOpenMetrics100)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(WriteGzip, prometheus, TextFormat::kPrometheus004)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(WriteGzip, openmetrics, TextFormat::kOpenMetrics100)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(FloorCopy)->Unit(benchmark::kMillisecond);
BENCHMARK(FloorNumbers)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bpftally

BENCHMARK_MAIN();
