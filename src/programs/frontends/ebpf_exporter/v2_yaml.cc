#include "programs/frontends/ebpf_exporter/v2_yaml.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

#include "programs/frontends/front_end.h"
#include "programs/plan/plan.h"
#include "yaml/lenient_reader.h"

namespace bpftally {

// Lists of the keys of each struct.

static void Fields(auto& field, DecoderConfig& decoder) {
  field("name", decoder.name);
  field("static_map", decoder.static_map);
  field("regexps", decoder.regexps);
  field("allow_unknown", decoder.allow_unknown);
}

static void Fields(auto& field, LabelConfig& label) {
  field("name", label.name);
  field("size", label.size);
  field("padding", label.padding);
  field("decoders", label.decoders);
}

static void Fields(auto& field, CounterValueConfig& value) {
  field("name", value.name);
  field("help", value.help);
}

static void Fields(auto& field, CounterConfig& counter) {
  field("name", counter.name);
  field("help", counter.help);
  field("perf_event_array", counter.perf_event_array);
  field("flush_interval", counter.flush_interval);
  field("values", counter.values);
  field("labels", counter.labels);
}

static void Fields(auto& field, HistogramConfig& histogram) {
  field("name", histogram.name);
  field("help", histogram.help);
  field("bucket_type", histogram.bucket_type);
  field("bucket_min", histogram.bucket_min);
  field("bucket_max", histogram.bucket_max);
  field("bucket_multiplier", histogram.bucket_multiplier);
  field("bucket_keys", histogram.bucket_keys);
  field("labels", histogram.labels);
}

static void Fields(auto& field, SpanConfig& span) {
  field("ringbuf", span.ringbuf);
  field("name", span.name);
  field("service", span.service);
  field("labels", span.labels);
}

static void Fields(auto& field, CgroupIdMapPlan& map) {
  field("name", map.name);
  field("type", map.type);
  field("regexps", map.regexps);
}

namespace {

struct Metrics {
  std::optional<std::vector<CounterConfig>> counters;
  std::optional<std::vector<HistogramConfig>> histograms;
};

void Fields(auto& field, Metrics& metrics) {
  field("counters", metrics.counters);
  field("histograms", metrics.histograms);
}

struct Tracing {
  std::optional<std::vector<SpanConfig>> spans;
};

void Fields(auto& field, Tracing& tracing) { field("spans", tracing.spans); }

struct Document {
  std::string name;  // ignored: the name is the file's stem
  std::string description;
  std::string needs;
  Metrics metrics;
  Tracing tracing;
  std::vector<std::string> kaddrs;
  std::optional<CgroupIdMapPlan> cgroup_id_map;
};

void Fields(auto& field, Document& document) {
  field("name", document.name);
  field("description", document.description);
  field("needs", document.needs);
  field("metrics", document.metrics);
  field("tracing", document.tracing);
  field("kaddrs", document.kaddrs);
  field("cgroup_id_map", document.cgroup_id_map);
}

ProgramConfig NameAfter(const std::string& file) {
  ProgramConfig config;
  config.name = ProgramNameOf(file);
  config.file = file;
  config.object = ObjectFileOf(file);
  return config;
}

template <typename T>
std::vector<T> Take(std::optional<std::vector<T>>& list) {
  return list ? std::move(*list) : std::vector<T>();
}

void Move(Document&& document, ProgramConfig& config) {
  config.counters = Take(document.metrics.counters);
  config.histograms = Take(document.metrics.histograms);
  config.spans = Take(document.tracing.spans);
  config.description = std::move(document.description);
  config.needs = std::move(document.needs);
  config.kaddrs = std::move(document.kaddrs);
  config.cgroup_id_map = std::move(document.cgroup_id_map);
  const std::chrono::nanoseconds usual = CounterConfig{}.flush_interval;
  for (CounterConfig& counter : config.counters) {
    if (counter.flush_interval == std::chrono::nanoseconds(0)) counter.flush_interval = usual;
  }
}

bool IsEmpty(const Document& document) {
  return !document.metrics.counters && !document.metrics.histograms && !document.tracing.spans;
}

}  // namespace

ParsedConfig ParseEbpfExporterConfig(std::string_view yaml, const std::string& file) {
  ParsedConfig parsed{NameAfter(file), {}};
  const auto refuse = [&](ConfigPosition at, std::string message) {
    parsed.findings.push_back({Finding::Severity::kError, file, at, std::move(message)});
    return parsed;
  };
  const auto root = ParseYaml(yaml, YamlRules::kLenient);
  if (!root) return refuse({root.error().line, root.error().column}, root.error().what);
  Document document;
  YamlReader(file, parsed.findings).Read(*root, document);
  if (!HasErrors(parsed.findings) && IsEmpty(document))
    return refuse({}, "no metrics.counters, metrics.histograms or tracing.spans");
  Move(std::move(document), parsed.config);
  return parsed;
}

}  // namespace bpftally
