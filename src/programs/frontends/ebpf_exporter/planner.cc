#include "programs/frontends/ebpf_exporter/planner.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/suggest.h"
#include "model/map_types.h"
#include "model/type_names.h"
#include "programs/frontends/ebpf_exporter/label_checks.h"
#include "programs/frontends/ebpf_exporter/v2_buckets.h"
#include "programs/plan/notes.h"
#include "programs/plan/published_name.h"
#include "programs/plan/regexp.h"

namespace bpftally {
namespace {

constexpr std::string_view kPrefix = "ebpf_exporter_";  // prefix of each family
constexpr std::string_view kSpanAttribute = "ebpf_exporter.config";
constexpr uint32_t kCgroupStorageType = 32;  // BPF_MAP_TYPE_CGRP_STORAGE; in uapi from 6.2
constexpr uint32_t kCounterBytes = 8;
constexpr size_t kMaxEventSeries = 10'000;  // series of events are kept from poll to poll
constexpr uint64_t kCpuBytes = 2;
constexpr uint32_t kNoLabelKeyBytes = 4;

// Plans a decoder, which takes only the argument that belongs to its name, whatever else is written
// beside it.
DecoderPlan PlanDecoder(const DecoderConfig& config) {
  DecoderPlan plan{.name = config.name, .at = config.at};
  if (config.name == "static_map" && config.static_map) plan.argument = *config.static_map;
  if (config.name == "regexp" && config.regexps) plan.argument = *config.regexps;
  if (config.allow_unknown) plan.unknown = UnknownRule::kKeep;
  return plan;
}

// Cuts a size to 32 bits: a metric with a size that no field has is unusable anyway.
uint32_t Cut(uint64_t bytes) {
  return static_cast<uint32_t>(std::min<uint64_t>(bytes, UINT32_MAX));
}

std::vector<LabelPlan> LayOut(std::span<const LabelConfig> labels, Part part) {
  std::vector<LabelPlan> out;
  uint64_t offset = 0;
  for (const LabelConfig& label : labels) {
    const FieldPlan field{.offset = Cut(offset), .size = Cut(label.size), .part = part};
    out.push_back({PublishedName(label.name), field, PlanDecoders(label.decoders)});
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
  // Labels of equal names are already an error; how they are published does not matter then.
  Problems problems;
  if (names.size() == labels.size()) problems = CheckPublishedNames(labels);
  for (const LabelConfig& label : labels)
    std::ranges::move(CheckLabel(label), std::back_inserter(problems));
  return problems;
}

// Checks the key of a metric without labels: it reads the one entry whose key is zero, and the map
// must not hold others.
Problems CheckZeroKey(const ObjectMap& map, ConfigPosition at) {
  if (map.key_size != kNoLabelKeyBytes) {
    return {{at, fmt::format("without labels from its key, it needs a map with a key of {} bytes, "
                             "but the key has {}",
                             kNoLabelKeyBytes, map.key_size)}};
  }
  if (MapTypeOf(map.type).is_array && map.max_entries > 1) {
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

  Compiled Run() && {
    plan_.name = config_.name;
    plan_.file = config_.file;
    plan_.object = config_.object;
    plan_.description = config_.description;
    plan_.needs = config_.needs;
    plan_.functions = object_.programs;
    plan_.self = {.prefix = std::string(kPrefix)};
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

  // Returns null after adding an error.
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

  static std::string MetricName(std::string_view name) {
    return std::string(kPrefix) + PublishedName(name);
  }

  // Returns the source that is read once for all its metrics and spans.
  SourcePlan& SourceOf(const SourcePlan& wanted) {
    for (SourcePlan& source : plan_.sources) {
      if (source.from == wanted.from && source.value_size == wanted.value_size) return source;
    }
    return plan_.sources.emplace_back(wanted);
  }

  static SourcePlan MapSourceOf(const std::string& name, const ObjectMap* map) {
    SourcePlan source{.from = MapSource{name}};
    if (map == nullptr) return source;  // reported as an error already
    source.key_size = map->key_size;
    source.value_size = map->value_size;
    return source;
  }

  void PlanCounter(const CounterConfig& config) {
    PlanNotes notes = NotesFor("counter", config.name);
    const ObjectMap* map = StartMetric(config, config.values.empty(), notes);
    const Part part = config.perf_event_array ? Part::kValue : Part::kKey;
    MetricPlan metric{.name = MetricName(config.name),
                      .help = config.help,
                      .labels = LayOut(config.labels, part),
                      .instrument = CounterPlan{.value = {.as_double = true}},
                      .at = config.at};
    Problems problems = CheckLabels(config.labels, notes);
    SourcePlan source = MapSourceOf(config.name, map);
    if (config.perf_event_array) {
      source = {.from = EventSource{config.name, config.flush_interval},
                .value_size = Cut(WidthOf(config.labels))};
      metric.limit.series = kMaxEventSeries;
      if (map != nullptr) CheckEventMap(config, *map, notes);
    } else if (map != nullptr) {
      std::ranges::move(PlanKey(config, *map, metric), std::back_inserter(problems));
      CheckMap(*map, std::max<size_t>(config.values.size(), 1), config.at, notes, problems);
    }
    notes.Take(problems, metric.unusable);
    AddCounters(config, SourceOf(source), std::move(metric), notes);
  }

  static void AddCounters(const CounterConfig& config, SourcePlan& source, MetricPlan metric,
                          PlanNotes& notes) {
    CounterPlan& counter = std::get<CounterPlan>(metric.instrument);
    if (!config.perf_event_array) counter.value.field = ValueField(0);
    if (config.values.empty()) source.metrics.push_back(metric);
    if (!config.values.empty() && config.perf_event_array)
      return notes.Error(config.at, "events are counted: they have no values");
    for (size_t i = 0; i < config.values.size(); ++i) {
      const CounterValueConfig& value = config.values[i];
      if (value.name.empty()) notes.Error(value.at, "a value without a name");
      if (value.help.empty()) notes.Error(value.at, "a value without a help text");
      metric.name = MetricName(value.name);
      metric.help = value.help;
      counter.value.field = ValueField(i);
      metric.at = value.at;
      source.metrics.push_back(metric);
    }
  }

  static FieldPlan ValueField(size_t place) {
    return {.offset = Cut(place * kCounterBytes), .size = kCounterBytes, .part = Part::kValue};
  }

  static void CheckEventMap(const CounterConfig& config, const ObjectMap& map, PlanNotes& notes) {
    if (!MapTypeOf(map.type).is_event_buffer) {
      notes.Error(config.at,
                  fmt::format("perf_event_array needs a map of type perf_event_array or ringbuf, "
                              "but its map is of type {}",
                              MapTypeName(map.type)));
    }
  }

  // Checks labels against the key. In a per-CPU map, a last label `cpu` is not part of the key.
  static Problems PlanKey(const CounterConfig& config, const ObjectMap& map, MetricPlan& metric) {
    std::span<const LabelConfig> in_key = config.labels;
    Problems problems;
    if (MapTypeOf(map.type).is_per_cpu && !in_key.empty() && in_key.back().name == "cpu") {
      const LabelConfig& cpu = in_key.back();
      std::get<CounterPlan>(metric.instrument).value.cpus = CpuRule::kEach;
      metric.labels.back().field = {.size = Cut(cpu.size), .part = Part::kCpu};
      if (cpu.size != kCpuBytes || cpu.padding != 0) {
        problems.push_back({cpu.at, fmt::format("the last label \"cpu\" of a per-CPU map is the "
                                                "CPU's number: it needs size: {} and no padding",
                                                kCpuBytes)});
      }
      in_key = in_key.first(in_key.size() - 1);
    }
    metric.needs_zero_key = in_key.empty();
    std::ranges::move(
        in_key.empty() ? CheckZeroKey(map, config.at) : CheckKey(in_key, map, config.at),
        std::back_inserter(problems));
    return problems;
  }

  static void CheckMap(const ObjectMap& map, size_t values, ConfigPosition at, PlanNotes& notes,
                       Problems& problems) {
    if (MapTypeOf(map.type).is_event_buffer) {
      return notes.Error(at, fmt::format("its map is of type {}: expected perf_event_array: true",
                                         MapTypeName(map.type)));
    }
    if (map.value_size != values * kCounterBytes) {
      notes.Error(at, fmt::format("the value of its map has {} bytes, expected {}", map.value_size,
                                  values * kCounterBytes));
    }
    if (!MapTypeOf(map.type).can_hold_metrics) {
      problems.push_back({at, fmt::format("its map is of type {}, whose entries cannot be listed",
                                          MapTypeName(map.type))});
    }
  }

  void PlanHistogram(const HistogramConfig& config) {
    PlanNotes notes = NotesFor("histogram", config.name);
    const ObjectMap* map = StartMetric(config, true, notes);
    if (config.labels.empty())
      return notes.Error(config.at, "expected at least one label: the last one is the bucket");
    Problems problems;
    HistogramPlan histogram = PlanBuckets(config, problems);
    MetricPlan metric{.name = MetricName(config.name), .help = config.help, .at = config.at};
    PlanHistogramLabels(config, metric, histogram, problems, notes);
    if (map != nullptr) {
      std::ranges::move(CheckKey(config.labels, *map, config.at), std::back_inserter(problems));
      CheckMap(*map, 1, config.at, notes, problems);
      CheckCapacity(config, histogram, *map, problems);
    }
    metric.instrument = std::move(histogram);
    notes.Take(problems, metric.unusable);
    if (HasOneBound(config)) return notes.Warn(config.at, "bucket_min is bucket_max: left out");
    SourceOf(MapSourceOf(config.name, map)).metrics.push_back(std::move(metric));
  }

  // Returns whether ebpf_exporter would print nothing of it, and count no error.
  static bool HasOneBound(const HistogramConfig& config) {
    return config.bucket_min == config.bucket_max && config.bucket_type != "fixed";
  }

  static void PlanHistogramLabels(const HistogramConfig& config, MetricPlan& metric,
                                  HistogramPlan& histogram, Problems& problems, PlanNotes& notes) {
    const std::span<const LabelConfig> labels = config.labels;
    std::ranges::move(CheckLabels(labels.first(labels.size() - 1), notes),
                      std::back_inserter(problems));
    std::ranges::move(CheckLabel(labels.back()), std::back_inserter(problems));
    metric.labels = LayOut(labels, Part::kKey);
    histogram.source = SlotInKey{.slot = std::move(metric.labels.back())};
    metric.labels.pop_back();
    for (size_t i = 0; i < metric.labels.size(); ++i) {
      if (metric.labels[i].name == "le")
        problems.push_back({labels[i].at, "label \"le\" is that of a histogram's buckets"});
    }
  }

  void PlanSpan(const SpanConfig& config) {
    PlanNotes notes = NotesFor("span", config.name);
    if (config.name.empty()) notes.Error(config.at, "expected a name");
    SpanPlan span{.name = config.name,
                  .service = config.service,
                  .labels = LayOut(config.labels, Part::kValue),
                  .attributes = {{std::string(kSpanAttribute), config_.name}}};
    const std::string& ring = config.ringbuf.empty() ? config.name : config.ringbuf;
    const ObjectMap* map = ring.empty() ? nullptr : MapFor(ring, config.at, notes);
    if (map != nullptr && map->type != BPF_MAP_TYPE_RINGBUF) {
      notes.Error(config.at, fmt::format("map {} is of type {}, expected ringbuf", Quoted(ring),
                                         MapTypeName(map->type)));
    }
    Problems problems;
    for (size_t i = 0; i < config.labels.size(); ++i) {
      span.labels[i].name = config.labels[i].name;  // the name of an attribute may be any text
      std::ranges::move(CheckSpanLabel(config.labels[i]), std::back_inserter(problems));
    }
    notes.Take(problems, span.unusable);
    SourceOf({.from = EventSource{ring}, .value_size = Cut(WidthOf(config.labels))})
        .spans.push_back(std::move(span));
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
    for (const MetricPlan& metric : MetricsOf(plan_)) {
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

std::vector<DecoderPlan> PlanDecoders(const std::vector<DecoderConfig>& configs) {
  std::vector<DecoderPlan> plans;
  for (const DecoderConfig& config : configs) plans.push_back(PlanDecoder(config));
  return plans;
}

Compiled MakePlan(const ProgramConfig& config, const ObjectFacts& object) {
  return Planner(config, object).Run();
}

}  // namespace bpftally
