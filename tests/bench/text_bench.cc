// Measures writing series as text beside its baselines: copying the same bytes, and formatting the
// same numbers.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "export/gzip.h"
#include "export/prometheus/collectable.h"
#include "export/prometheus/text_writer.h"
#include "model/metric_batch.h"

namespace bpftally {
namespace {

constexpr uint64_t kFamilies = 20;
constexpr uint64_t kNanosecondsPerRun = 317;

// Makes values like the census: mostly integers of all lengths, seconds in every fifth family.
Number ValueOf(uint64_t family, uint64_t object) {
  const uint64_t number = (object * 2'654'435'761U) >> (3 * family % 32);
  if (family % 5 != 0) return number;
  return static_cast<double>(number * kNanosecondsPerRun) * 1e-9;
}

MetricBatch MakeBatch(uint64_t series) {
  const uint64_t objects = series / kFamilies;
  constexpr std::array<std::string_view, 4> kTypes = {"kprobe", "tracepoint", "sched_cls",
                                                      "cgroup_skb"};
  MetricBatch batch;
  std::vector<LabelValues> labels;
  labels.reserve(objects);
  for (uint64_t object = 0; object < objects; ++object) {
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
                                     "bench", objects);
    for (uint64_t object = 0; object < objects; ++object) {
      family.samples.push_back({.labels = labels[object], .value = ValueOf(i, object)});
    }
  }
  return batch;
}

const MetricBatch& Batch(const benchmark::State& state) {
  static std::map<uint64_t, MetricBatch> batches;
  const auto series = static_cast<uint64_t>(state.range(0));
  const auto place = batches.find(series);
  return place != batches.end() ? place->second
                                : batches.emplace(series, MakeBatch(series)).first->second;
}

void SetRates(benchmark::State& state, size_t bytes) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["bytes"] = static_cast<double>(bytes);
}

void Write(benchmark::State& state, TextFormat format) {
  const MetricBatch& batch = Batch(state);
  size_t bytes = 0;
  while (state.KeepRunning()) {
    bytes = 0;
    WriteText(batch, format, [&](std::string_view chunk) { bytes += chunk.size(); });
    benchmark::DoNotOptimize(bytes);
  }
  SetRates(state, bytes);
}

void WriteGzip(benchmark::State& state, TextFormat format) {
  const MetricBatch& batch = Batch(state);
  std::string packed;
  while (state.KeepRunning()) {
    packed.clear();
    GzipStream gzip(&packed);
    WriteText(batch, format, [&](std::string_view chunk) { gzip.Write(chunk); });
    gzip.Finish();
    benchmark::DoNotOptimize(packed.data());
  }
  SetRates(state, packed.size());
}

// Copies the finished text through a buffer of the writer's size.
void BaselineCopy(benchmark::State& state) {
  constexpr size_t kChunkBytes = size_t{32} * 1024;
  std::string text;
  WriteText(Batch(state), TextFormat::kPrometheus004,
            [&](std::string_view chunk) { text += chunk; });
  std::vector<char> buffer(kChunkBytes);
  while (state.KeepRunning()) {
    for (size_t at = 0; at < text.size(); at += kChunkBytes) {
      std::memcpy(buffer.data(), text.data() + at, std::min(kChunkBytes, text.size() - at));
      benchmark::ClobberMemory();
    }
  }
  SetRates(state, text.size());
}

// Formats the same numbers and drops the result.
void BaselineNumbers(benchmark::State& state) {
  constexpr size_t kNumberBytes = 32;
  const MetricBatch& batch = Batch(state);
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

// Writes the same batch with the library that most C++ exporters use.
void PrometheusCpp(benchmark::State& state) {
  const std::vector<prometheus::MetricFamily> families = ToPrometheusFamilies(Batch(state));
  const prometheus::TextSerializer serializer;
  size_t bytes = 0;
  while (state.KeepRunning()) bytes = serializer.Serialize(families).size();
  SetRates(state, bytes);
}

#define SIZES Arg(10'000)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond)

BENCHMARK_CAPTURE(Write, prometheus, TextFormat::kPrometheus004)->SIZES;
BENCHMARK_CAPTURE(Write, openmetrics, TextFormat::kOpenMetrics100)->SIZES;
BENCHMARK_CAPTURE(WriteGzip, prometheus, TextFormat::kPrometheus004)->SIZES;
BENCHMARK(BaselineCopy)->SIZES;
BENCHMARK(BaselineNumbers)->SIZES;
BENCHMARK(PrometheusCpp)->SIZES;

}  // namespace
}  // namespace bpftally

BENCHMARK_MAIN();
