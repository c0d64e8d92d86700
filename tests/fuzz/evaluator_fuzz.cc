// A planned counter or histogram over maps of any content.

#include <linux/bpf.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "export/prometheus/exposition_parser.h"
#include "export/prometheus/text_writer.h"
#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_decoders.h"
#include "programs/evaluate/source_evaluator.h"
#include "programs/evaluate/value_reader.h"
#include "programs/frontends/ebpf_exporter/planner.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"
#include "programs/read/rows.h"

namespace bpftally {
namespace {

// What a program's author may write.
LabelConfig TakeLabel(FuzzInput& input, std::string name) {
  LabelConfig label{.name = std::move(name)};
  label.size = 1 + input.Below(8);
  label.padding = input.Below(4);
  label.decoders = input.Flip() ? TakeDecoders(input) : std::vector{DecoderConfig{.name = "uint"}};
  return label;
}

std::vector<LabelConfig> TakeLabels(FuzzInput& input) {
  std::vector<LabelConfig> labels;
  for (uint64_t left = input.Below(3); left > 0; --left)
    labels.push_back(TakeLabel(input, "label_" + std::to_string(left)));
  return labels;
}

HistogramConfig TakeHistogram(FuzzInput& input) {
  static const std::vector<std::string> types = {"exp2", "exp2zero", "linear", "fixed"};
  HistogramConfig histogram{.name = "m", .help = "Help.", .bucket_type = types[input.Below(4)]};
  histogram.bucket_min = static_cast<int64_t>(input.Below(4)) - 1;
  histogram.bucket_max = static_cast<int64_t>(input.Below(40));
  histogram.bucket_multiplier = static_cast<double>(input.Below(3)) / 2;
  for (uint64_t left = input.Below(4); left > 0; --left)
    histogram.bucket_keys.push_back(static_cast<double>(input.Below(100)));
  histogram.labels = TakeLabels(input);
  histogram.labels.push_back(TakeLabel(input, "bucket"));
  return histogram;
}

ProgramConfig TakeConfig(FuzzInput& input) {
  ProgramConfig config{.name = "x", .file = "x.yaml", .object = "x.bpf.o"};
  if (input.Flip()) {
    config.histograms.push_back(TakeHistogram(input));
  } else {
    config.counters.push_back({.name = "m", .help = "Help.", .labels = TakeLabels(input)});
  }
  return config;
}

ObjectMap TakeMap(FuzzInput& input) {
  const bool per_cpu = input.Flip();
  return {.name = "m",
          .type = per_cpu ? BPF_MAP_TYPE_PERCPU_HASH : BPF_MAP_TYPE_HASH,
          .key_size = static_cast<uint32_t>(1 + input.Below(24)),
          .value_size = 8,
          .max_entries = 1000};
}

// No key comes twice: the reader sees to that.
RowBuffer TakeContent(FuzzInput& input, const ObjectMap& map) {
  constexpr size_t kMostEntries = 64;
  RowBuffer content{.key_size = map.key_size, .value_size = map.value_size};
  content.cpus = map.type == BPF_MAP_TYPE_PERCPU_HASH ? 1 + input.Below(3) : 1;
  const auto append = [](std::vector<std::byte>& bytes, std::string text, size_t size) {
    text.resize(size);
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    bytes.insert(bytes.end(), begin, begin + size);
  };
  std::set<std::string_view> seen;
  for (uint64_t left = input.Below(kMostEntries); left > 0; --left) {
    const std::string_view key = input.Take(content.key_size);
    if (key.size() < content.key_size || !seen.insert(key).second) continue;
    append(content.keys, std::string(key), content.key_size);
    const size_t size = content.cpus * content.value_size;
    append(content.values, std::string(input.Take(size)), size);
  }
  return content;
}

long double TotalOf(const RowBuffer& content) {
  const Rows rows = content.rows();
  long double total = 0;
  for (size_t row = 0; row < rows.count; ++row)
    for (size_t cpu = 0; cpu < rows.cpus; ++cpu)
      total +=
          static_cast<long double>(ToDouble(LoadNumber(rows.Value(row, cpu), Encoding::kUnsigned)));
  return total;
}

// Of counters: nothing is lost on the way, but for doubles' roundings.
void CheckTotal(const Evaluated& result, long double expected) {
  if (result.unwanted > 0 || result.over_limit > 0) return;
  long double total = 0;
  for (const Sample& sample : result.samples)
    total += static_cast<long double>(std::get<double>(sample.value));
  constexpr long double kRounding = 1e-12L;
  Require(std::abs(total - expected) <= kRounding * expected, "the samples sum up to the map");
}

// Of histograms: what is in buckets is of the map.
void CheckBuckets(const Evaluated& result, long double all) {
  long double total = 0;
  for (const HistogramSample& histogram : result.histograms) {
    Require(histogram.counts.size() == histogram.upper_bounds.size() + 1, "a count for each bound");
    Require(histogram.counts.back() == 0, "nothing lies above the last bound");
    for (const uint64_t count : histogram.counts) total += static_cast<long double>(count);
  }
  constexpr long double kRounding = 1e-12L;
  Require(total <= all * (1 + kRounding), "no more in the buckets than in the map");
}

void CheckExposition(const MetricBatch& batch, TextFormat format) {
  std::string text;
  WriteText(batch, format, [&](std::string_view piece) { text += piece; });
  const auto parsed = ParseExposition(text, format);
  Require(parsed.has_value(), "a strict parser reads it",
          parsed ? "" : parsed.error() + "\n" + text);
}

void CheckMetric(const ProgramPlan& program, const SourcePlan& source, const ObjectMap& map,
                 FuzzInput& input) {
  const MetricPlan& plan = source.metrics[0];
  SourceEvaluator evaluator(source, {}, FuzzHost(), SystemClock());
  if (!evaluator.wanted()) return;
  MetricBatch batch;
  const size_t max_series = 1 + input.Below(40);
  evaluator.Begin({.batch = batch, .max_series = max_series, .start_time_ns = 5});
  const RowBuffer content = TakeContent(input, map);
  static_cast<void>(evaluator.Add(content.rows()));
  const auto evaluated = std::move(evaluator.Finish()[0]);
  if (!evaluated) return;
  const Evaluated& result = *evaluated;
  Require(result.entries == content.count(), "each entry is counted");
  Require(result.series() <= max_series, "no series too many");
  const bool is_counter = TypeOf(plan) == MetricType::kCounter;
  if (is_counter) CheckTotal(result, TotalOf(content));
  if (!is_counter) CheckBuckets(result, TotalOf(content));
  FamilySpec spec = FamilyOf(program, plan);
  if (is_counter) spec.name += "_total";
  MetricFamily& family = batch.Add(std::move(spec), "x");
  family.samples = result.samples;
  family.histograms = result.histograms;
  const auto valid = Validate(batch);
  Require(valid.has_value(), "the family is valid", valid ? "" : valid.error().message);
  CheckExposition(batch, TextFormat::kPrometheus004);
  CheckExposition(batch, TextFormat::kOpenMetrics100);
}

void Check(FuzzInput input) {
  const ObjectMap map = TakeMap(input);
  const Compiled planned = MakePlan(TakeConfig(input), {.maps = {map}});
  if (HasErrors(planned.findings)) return;
  for (const SourcePlan& source : planned.plan.sources)
    CheckMetric(planned.plan, source, map, input);
}

}  // namespace
}  // namespace bpftally

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bpftally::Check({data, size});
  return 0;
}
