// Measures the encoding of data points into requests beside its baseline: filling the same
// protobufs by hand, in messages of the same size, and serializing them.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "export/otlp/otlp_encoder.h"
#include "model/metric_batch.h"

namespace bpftally {
namespace {

namespace metrics = opentelemetry::proto::metrics::v1;
using Request = opentelemetry::proto::collector::metrics::v1::ExportMetricsServiceRequest;

constexpr uint64_t kObjects = 5'000;  // a family's points: as many as a chunk has
constexpr int64_t kStart = 1'795'248'000'000'000'000;

// Makes objects with names and values of their own, so that two batches share nothing. `shift`
// drops the first objects and adds new ones at the end.
std::shared_ptr<const MetricBatch> MakeBatch(uint64_t points, uint64_t round, uint64_t shift) {
  constexpr std::array<std::string_view, 4> kTypes = {"kprobe", "tracepoint", "sched_cls",
                                                      "cgroup_skb"};
  auto batch = std::make_shared<MetricBatch>();
  batch->collected_at_ns = kStart + static_cast<int64_t>(round) * 1'000'000'000;
  std::vector<LabelValues> labels;
  labels.reserve(kObjects);
  for (uint64_t object = shift; object < shift + kObjects; ++object) {
    labels.push_back(batch->Labels({batch->InternNumber(1'000 + object),
                                    batch->Intern(fmt::format("trace_event_{}", object)),
                                    kTypes[object % kTypes.size()]}));
  }
  for (uint64_t i = 0; i < points / kObjects; ++i) {
    MetricFamily& family = batch->Add({.name = fmt::format("bpf_program_figure_{}_bytes_total", i),
                                       .help = "Something that a program has.",
                                       .type = MetricType::kCounter,
                                       .unit = "By",
                                       .label_names = {"id", "name", "type"}},
                                      "bench", kObjects);
    for (uint64_t object = 0; object < kObjects; ++object) {
      const uint64_t value = ((object + shift) * 2'654'435'761U) >> (3 * i % 32);
      family.samples.push_back({labels[object], value + round, kStart});
    }
  }
  return batch;
}

uint64_t Points(const benchmark::State& state) { return static_cast<uint64_t>(state.range(0)); }

void SetRates(benchmark::State& state, size_t bytes) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["bytes"] = static_cast<double>(bytes);
}

void FillPoint(metrics::NumberDataPoint& point, const FamilySpec& spec, const Sample& sample,
               uint64_t time) {
  for (size_t i = 0; i < spec.label_names.size(); ++i) {
    auto& attribute = *point.add_attributes();
    attribute.set_key(spec.label_names[i]);
    attribute.mutable_value()->mutable_string_value()->assign(sample.labels[i]);
  }
  point.set_start_time_unix_nano(static_cast<uint64_t>(sample.start_time_ns));
  point.set_time_unix_nano(time);
  point.set_as_int(static_cast<int64_t>(std::get<uint64_t>(sample.value)));
}

// Fills one request with a family, which is as large as a chunk here.
std::string FillRequest(const MetricFamily& family, uint64_t time) {
  google::protobuf::Arena arena;
  auto& request = *google::protobuf::Arena::CreateMessage<Request>(&arena);
  auto& metric = *request.add_resource_metrics()->add_scope_metrics()->add_metrics();
  metric.set_name(family.spec.name);
  metric.set_description(family.spec.help);
  metric.set_unit(family.spec.unit);
  auto& sum = *metric.mutable_sum();
  sum.set_is_monotonic(true);
  sum.set_aggregation_temporality(metrics::AGGREGATION_TEMPORALITY_CUMULATIVE);
  sum.mutable_data_points()->Reserve(static_cast<int>(family.samples.size()));
  for (const Sample& sample : family.samples)
    FillPoint(*sum.add_data_points(), family.spec, sample, time);
  return request.SerializeAsString();
}

void BaselineProtobufs(benchmark::State& state) {
  const auto batch = MakeBatch(Points(state), 0, 0);
  size_t bytes = 0;
  while (state.KeepRunning()) {
    bytes = 0;
    for (const MetricFamily& family : batch->families())
      bytes += FillRequest(family, static_cast<uint64_t>(batch->collected_at_ns)).size();
  }
  SetRates(state, bytes);
}

// Sends two batches in turn, with state.range(1) new objects and as many vanished ones each time.
void Encode(benchmark::State& state, OtlpTemporality temporality) {
  const std::array batches = {MakeBatch(Points(state), 0, 0),
                              MakeBatch(Points(state), 1, static_cast<uint64_t>(state.range(1)))};
  OtlpEncoder encoder({{"service.name", "bench"}}, temporality, "1", kStart);
  size_t bytes = 0;
  size_t turn = 0;
  while (state.KeepRunning()) {
    bytes = 0;
    encoder.Begin(batches[turn++ % batches.size()]);
    while (const auto chunk = encoder.Next({})) {
      bytes += chunk->request.size();
      encoder.Acknowledge();
    }
  }
  SetRates(state, bytes);
}

BENCHMARK(BaselineProtobufs)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);
#define BENCH_ENCODE(name, temporality)                       \
  BENCHMARK_CAPTURE(Encode, name, temporality)                \
      ->ArgsProduct({{10'000, 100'000, 1'000'000}, {0, 100}}) \
      ->Unit(benchmark::kMillisecond)
BENCH_ENCODE(cumulative, OtlpTemporality::kCumulative);
BENCH_ENCODE(delta, OtlpTemporality::kDelta);

}  // namespace
}  // namespace bpftally

BENCHMARK_MAIN();
