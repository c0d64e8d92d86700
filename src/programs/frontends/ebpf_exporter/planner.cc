#include "programs/frontends/ebpf_exporter/planner.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "base/suggest.h"
#include "model/type_names.h"
#include "programs/frontends/ebpf_exporter/label_checks.h"
#include "programs/frontends/ebpf_exporter/self_metrics.h"
#include "programs/frontends/ebpf_exporter/v2_buckets.h"
#include "programs/plan/notes.h"
#include "programs/plan/published_name.h"
#include "programs/plan/regexp.h"

namespace bpftally {
namespace {

constexpr uint32_t kCgroupStorageType = 32;  // BPF_MAP_TYPE_CGRP_STORAGE; in uapi from 6.2
constexpr uint32_t kCounterBytes = 8;
constexpr uint64_t kCpuBytes = 2;
constexpr uint32_t kNoLabelKeyBytes = 4;

constexpr std::array<uint32_t, 3> kPerCpuTypes = {
    BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_LRU_PERCPU_HASH};
constexpr std::array<uint32_t, 4> kPlainTypes = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY,
                                                 BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LPM_TRIE};
constexpr std::array<uint32_t, 2> kEventTypes = {BPF_MAP_TYPE_PERF_EVENT_ARRAY,
                                                 BPF_MAP_TYPE_RINGBUF};

bool IsOneOf(uint32_t type, std::span<const uint32_t> types) {
  return std::ranges::find(types, type) != types.end();
}

std::vector<LabelPlan> LayOut(std::span<const LabelConfig> labels) {
  std::vector<LabelPlan> out;
  uint64_t offset = 0;
  for (const LabelConfig& label : labels) {
    out.push_back({PublishedName(label.name), {offset, label.size}, label.decoders});
    offset += label.size + label.padding;
  }
  return out;
}

uint64_t WidthOf(std::span<const LabelConfig> labels) {
  uint64_t width = 0;
  for (const LabelConfig& label : labels) width += label.size + label.padding;
  return width;
}

void CheckLabelName(const LabelConfig& label, PlanNotes& notes) {
  if (label.name.empty()) notes.Error(label.at, "a label without a name");
  if (label.name.starts_with("__")) {
    notes.Error(label.at, fmt::format("label {}: names that begin with __ are Prometheus' own",
                                      Quoted(label.name)));
  }
}

Problems CheckLabels(std::span<const LabelConfig> labels, PlanNotes& notes) {
  std::set<std::string_view> names;
  for (const LabelConfig& label : labels) {
    CheckLabelName(label, notes);
    if (!names.insert(label.name).second)
      notes.Error(label.at, fmt::format("a second label {}", Quoted(label.name)));
  }
  // Two that are equal are an error already, not a question of how they are published.
  Problems problems;
  if (names.size() == labels.size()) problems = CheckPublishedNames(labels);
  for (const LabelConfig& label : labels)
    std::ranges::move(CheckLabel(label), std::back_inserter(problems));
  return problems;
}

// A metric of no labels reads the one entry whose key is zero, and no other may be there.
Problems CheckZeroKey(const ObjectMap& map, ConfigPosition at) {
  if (map.key_size != kNoLabelKeyBytes) {
    return {{at, fmt::format("without labels from its key, it needs a map with a key of {} bytes, "
                             "but the key has {}",
                             kNoLabelKeyBytes, map.key_size)}};
  }
  const bool is_array = map.type == BPF_MAP_TYPE_ARRAY || map.type == BPF_MAP_TYPE_PERCPU_ARRAY;
  if (is_array && map.max_entries > 1) {
    return {{at, fmt::format("without labels from its key, it needs an array of one entry, but "
                             "max_entries is {}",
                             map.max_entries)}};
  }
  return {};
}

class Planner {
 public:
  Planner(const ProgramConfig& config, const ObjectFacts& object)
      : config_(config), object_(object) {}

  Planned Run() && {
    plan_.name = config_.name;
    plan_.file = config_.file;
    plan_.object = config_.object;
    plan_.self = EbpfExporterSelfMetrics();
    plan_.programs = object_.programs;
    plan_.kaddrs = config_.kaddrs;
    plan_.cgroup_id_map = config_.cgroup_id_map;
    for (const CounterConfig& counter : config_.counters) PlanCounter(counter);
    for (const HistogramConfig& histogram : config_.histograms) PlanHistogram(histogram);
    for (const SpanConfig& span : config_.spans) PlanSpan(span);
    if (config_.cgroup_id_map) CheckCgroupIdMap(*config_.cgroup_id_map);
    CheckNames();
    return {std::move(plan_), std::move(findings_)};
  }

 private:
  PlanNotes NotesFor(std::string_view part, const std::string& name) {
    return {config_.file, fmt::format("{} {}", part, Quoted(name)), findings_};
  }

  // Null after an error.
  const ObjectMap* MapFor(const std::string& name, ConfigPosition at, PlanNotes& notes) const {
    const ObjectMap* map = object_.FindMap(name);
    if (map != nullptr) return map;
    std::vector<std::string_view> names;
    for (const ObjectMap& other : object_.maps) names.push_back(other.name);
    notes.Error(
        at, fmt::format("{} has no map of this name{}", config_.object, DidYouMean(name, names)));
    return nullptr;
  }

  template <typename Config>
  const ObjectMap* StartMetric(const Config& config, bool needs_help, PlanNotes& notes) const {
    if (config.name.empty()) {
      notes.Error(config.at, "expected a name: that of its map");
      return nullptr;
    }
    if (needs_help && config.help.empty()) notes.Error(config.at, "expected a help text");
    return MapFor(config.name, config.at, notes);
  }

  MetricPlan Metric(const std::string& map, const std::string& name, const std::string& help,
                    ConfigPosition at) const {
    MetricPlan metric;
    metric.name = config_.metric_prefix + PublishedName(name);
    metric.help = help;
    metric.map = map;
    metric.at = at;
    return metric;
  }

  void PlanCounter(const CounterConfig& config) {
    PlanNotes notes = NotesFor("counter", config.name);
    const ObjectMap* map = StartMetric(config, config.values.empty(), notes);
    MetricPlan metric = Metric(config.name, config.name, config.help, config.at);
    Problems problems = CheckLabels(config.labels, notes);
    metric.labels = LayOut(config.labels);
    if (map != nullptr && config.perf_event_array) {
      PlanEvents(config, *map, metric, notes);
    } else if (map != nullptr) {
      std::ranges::move(PlanKey(config, *map, metric), std::back_inserter(problems));
      CheckMap(*map, std::max<size_t>(config.values.size(), 1), config.at, notes, problems);
    }
    notes.Take(problems, metric.unusable);
    AddCounters(config, std::move(metric), notes);
  }

  void AddCounters(const CounterConfig& config, MetricPlan metric, PlanNotes& notes) {
    if (config.values.empty()) plan_.metrics.push_back(std::move(metric));
    if (!config.values.empty() && config.perf_event_array)
      return notes.Error(config.at, "events are counted: they have no values");
    for (size_t i = 0; i < config.values.size(); ++i) {
      const CounterValueConfig& value = config.values[i];
      if (value.name.empty()) notes.Error(value.at, "a value without a name");
      if (value.help.empty()) notes.Error(value.at, "a value without a help text");
      MetricPlan& added = plan_.metrics.emplace_back(metric);
      added.name = config_.metric_prefix + PublishedName(value.name);
      added.help = value.help;
      added.value = {i * kCounterBytes, kCounterBytes};
      added.at = value.at;
    }
  }

  static void PlanEvents(const CounterConfig& config, const ObjectMap& map, MetricPlan& metric,
                         PlanNotes& notes) {
    metric.source = MetricSource::kPerfEvents;
    metric.flush_interval = config.flush_interval;
    metric.key_size = WidthOf(config.labels);
    if (!IsOneOf(map.type, kEventTypes)) {
      notes.Error(config.at,
                  fmt::format("perf_event_array needs a map of type perf_event_array or ringbuf, "
                              "but its map is of type {}",
                              MapTypeName(map.type)));
    }
  }

  // Labels against the key, of which a per-CPU map's last label `cpu` is no part.
  static Problems PlanKey(const CounterConfig& config, const ObjectMap& map, MetricPlan& metric) {
    std::span<const LabelConfig> in_key = config.labels;
    Problems problems;
    metric.key_size = map.key_size;
    if (IsOneOf(map.type, kPerCpuTypes) && !in_key.empty() && in_key.back().name == "cpu") {
      const LabelConfig& cpu = in_key.back();
      metric.cpu_label = true;
      metric.labels.back().field = {map.key_size, cpu.size};
      if (cpu.size != kCpuBytes || cpu.padding != 0) {
        problems.push_back({cpu.at, fmt::format("the last label \"cpu\" of a per-CPU map is the "
                                                "CPU's number: it needs size: {} and no padding",
                                                kCpuBytes)});
      }
      in_key = in_key.first(in_key.size() - 1);
    }
    std::ranges::move(
        in_key.empty() ? CheckZeroKey(map, config.at) : CheckKey(in_key, map, config.at),
        std::back_inserter(problems));
    return problems;
  }

  static void CheckMap(const ObjectMap& map, size_t values, ConfigPosition at, PlanNotes& notes,
                       Problems& problems) {
    if (IsOneOf(map.type, kEventTypes)) {
      return notes.Error(at, fmt::format("its map is of type {}: expected perf_event_array: true",
                                         MapTypeName(map.type)));
    }
    if (map.value_size != values * kCounterBytes) {
      notes.Error(at, fmt::format("the value of its map has {} bytes, expected {}", map.value_size,
                                  values * kCounterBytes));
    }
    if (!IsOneOf(map.type, kPlainTypes) && !IsOneOf(map.type, kPerCpuTypes)) {
      problems.push_back({at, fmt::format("its map is of type {}, whose entries cannot be listed",
                                          MapTypeName(map.type))});
    }
  }

  void PlanHistogram(const HistogramConfig& config) {
    PlanNotes notes = NotesFor("histogram", config.name);
    const ObjectMap* map = StartMetric(config, true, notes);
    if (config.labels.empty())
      return notes.Error(config.at, "expected at least one label: the last one is the bucket");
    MetricPlan metric = Metric(config.name, config.name, config.help, config.at);
    metric.type = MetricType::kHistogram;
    Problems problems;
    metric.histogram = PlanBuckets(config, problems);
    PlanHistogramLabels(config, metric, problems, notes);
    if (map != nullptr) {
      metric.key_size = map->key_size;
      std::ranges::move(CheckKey(config.labels, *map, config.at), std::back_inserter(problems));
      CheckMap(*map, 1, config.at, notes, problems);
      CheckCapacity(config, *metric.histogram, *map, problems);
    }
    notes.Take(problems, metric.unusable);
    if (HasOneBound(config)) return notes.Warn(config.at, "bucket_min is bucket_max: left out");
    plan_.metrics.push_back(std::move(metric));
  }

  // What the dialect prints nothing of, and counts no error for.
  static bool HasOneBound(const HistogramConfig& config) {
    return config.bucket_min == config.bucket_max && config.bucket_type != "fixed";
  }

  static void PlanHistogramLabels(const HistogramConfig& config, MetricPlan& metric,
                                  Problems& problems, PlanNotes& notes) {
    const std::span<const LabelConfig> labels = config.labels;
    std::ranges::move(CheckLabels(labels.first(labels.size() - 1), notes),
                      std::back_inserter(problems));
    std::ranges::move(CheckLabel(labels.back()), std::back_inserter(problems));
    metric.labels = LayOut(labels);
    metric.histogram->slot = std::move(metric.labels.back());
    metric.labels.pop_back();
    for (size_t i = 0; i < metric.labels.size(); ++i) {
      if (metric.labels[i].name == "le")
        problems.push_back({labels[i].at, "label \"le\" is that of a histogram's buckets"});
    }
  }

  void PlanSpan(const SpanConfig& config) {
    PlanNotes notes = NotesFor("span", config.name);
    if (config.name.empty()) notes.Error(config.at, "expected a name");
    SpanPlan span{config.ringbuf.empty() ? config.name : config.ringbuf, config.name,
                  config.service, LayOut(config.labels), WidthOf(config.labels)};
    const ObjectMap* map = span.map.empty() ? nullptr : MapFor(span.map, config.at, notes);
    if (map != nullptr && map->type != BPF_MAP_TYPE_RINGBUF) {
      notes.Error(config.at, fmt::format("map {} is of type {}, expected ringbuf", Quoted(span.map),
                                         MapTypeName(map->type)));
    }
    Problems problems;
    for (size_t i = 0; i < config.labels.size(); ++i) {
      span.labels[i].name = config.labels[i].name;  // an attribute's name may hold anything
      std::ranges::move(CheckSpanLabel(config.labels[i]), std::back_inserter(problems));
    }
    notes.Take(problems, span.unusable);
    plan_.spans.push_back(std::move(span));
  }

  static Problems CheckSpanLabel(const LabelConfig& label) {
    constexpr std::pair<std::string_view, uint64_t> kSizes[] = {{"trace_id", 16},
                                                                {"span_id", 8},
                                                                {"parent_span_id", 8},
                                                                {"span_duration_ns", 8},
                                                                {"span_monotonic_timestamp_ns", 8}};
    Problems problems = CheckLabel(label);
    for (const auto& [name, size] : kSizes) {
      if (label.name == name && label.size != size) {
        problems.push_back({label.at, fmt::format("label {} has size {}, expected {}",
                                                  Quoted(label.name), label.size, size)});
      }
    }
    return problems;
  }

  void CheckCgroupIdMap(const CgroupIdMapPlan& config) {
    PlanNotes notes = NotesFor("cgroup_id_map", config.name);
    const bool storage = config.type == "cgrp_storage";
    if (!storage && !config.type.empty() && config.type != "hash") {
      notes.Error(config.at,
                  fmt::format("type {}, expected hash or cgrp_storage", Quoted(config.type)));
    }
    for (const std::string& text : config.regexps) {
      if (const auto regexp = CompileRegexp(text); !regexp)
        notes.Error(config.at, regexp.error().message);
    }
    const ObjectMap* map = MapFor(config.name, config.at, notes);
    if (map == nullptr) return;
    const uint32_t key_size = storage ? 4 : 8;
    if (map->key_size != key_size || map->value_size != kCounterBytes) {
      notes.Error(config.at, fmt::format("its map has a key of {} bytes and a value of {}, "
                                         "expected {} and {}",
                                         map->key_size, map->value_size, key_size, kCounterBytes));
    }
    if (storage && map->type != kCgroupStorageType) {
      notes.Error(config.at, fmt::format("its map is of type {}, expected cgrp_storage",
                                         MapTypeName(map->type)));
    }
  }

  void CheckNames() {
    std::set<std::string_view> names;
    for (const MetricPlan& metric : plan_.metrics) {
      if (names.insert(metric.name).second) continue;
      PlanNotes(config_.file, "metric " + Quoted(metric.name), findings_)
          .Warn(metric.at, "the second of this name: samples that the first has are dropped");
    }
  }

  const ProgramConfig& config_;
  const ObjectFacts& object_;
  ProgramPlan plan_;
  Findings findings_;
};

}  // namespace

Planned MakePlan(const ProgramConfig& config, const ObjectFacts& object) {
  return Planner(config, object).Run();
}

}  // namespace bpftally
