#pragma once

// What a metric program does, in terms that loader, reader, evaluator and validator share:
// source (a map, or events) -> fields -> labels -> value -> instrument. Pure: made of a
// configuration and of what the object file says, without the kernel.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/finding.h"
#include "config/program_config.h"
#include "model/metric_batch.h"

namespace bpftally {

// What the object file says of itself: read without privilege (object_facts.cc).
struct ObjectField {  // a member of a map's key struct
  std::string name;
  size_t offset = 0;
  size_t size = 0;
};

struct ObjectMap {
  std::string name;   // whole, from its BTF variable
  uint32_t type = 0;  // BPF_MAP_TYPE_*
  uint32_t key_size = 0;
  uint32_t value_size = 0;
  uint32_t max_entries = 0;
  std::vector<ObjectField> key_fields = {};  // empty where the key is no struct, or has no BTF
};

struct ObjectProgram {
  std::string name;     // of the function
  std::string section;  // as in SEC()
};

struct ObjectFacts {
  std::vector<ObjectMap> maps = {};
  std::vector<ObjectProgram> programs = {};

  const ObjectMap* FindMap(std::string_view name) const;
};

// Bytes of a key, a value or an event.
struct FieldPlan {
  size_t offset = 0;
  size_t size = 0;
};

struct LabelPlan {
  std::string name;  // as published: a valid Prometheus label name
  FieldPlan field;
  std::vector<DecoderConfig> decoders;
};

// Stands for a slot that no key can name: of a negative bucket, or of one that is no whole number.
inline constexpr uint64_t kNoSlot = UINT64_MAX;

// How slots become buckets.
struct HistogramPlan {
  LabelPlan slot;                    // decodes to the number of the slot
  std::vector<double> upper_bounds;  // ascending, the multiplier applied, without +Inf
  std::vector<uint64_t> slots;       // of each bound, or kNoSlot; slots not here are dropped
  uint64_t sum_slot = 0;             // its value times the multiplier is the sum; may be kNoSlot
  double multiplier = 1;
};

enum class MetricSource { kMap, kPerfEvents };

struct MetricPlan {
  std::string name;  // the family's, prefix included
  std::string help;
  MetricType type = MetricType::kCounter;
  MetricSource source = MetricSource::kMap;
  std::string map;                // its whole name in the object
  std::vector<LabelPlan> labels;  // as they lie in the key or event; without a histogram's slot
  // The last label is not in the key: its field lies behind it, where the reader puts the CPU's
  // number in two bytes. Alone, it has a key of four zero bytes, and any other is an error.
  bool cpu_label = false;
  size_t key_size = 0;       // of the map, or of the front of the event that is read
  FieldPlan value = {0, 8};  // of the map's value, on each CPU
  std::chrono::nanoseconds flush_interval{0};  // of events: counters are wiped so often
  std::optional<HistogramPlan> histogram = std::nullopt;
  std::optional<Error> unusable =
      std::nullopt;  // why it never gives a sample: said at start, counted at each read
  ConfigPosition at = {};
};

struct SpanPlan {
  std::string map;
  std::string name;
  std::string service;
  std::vector<LabelPlan> labels;
  size_t event_size = 0;  // what the labels take of its front
  std::optional<Error> unusable = std::nullopt;
};

struct ProgramPlan {
  std::string name;    // of the configuration
  std::string file;    // for messages
  std::string object;  // the .bpf.o
  std::vector<ObjectProgram> programs = {};
  std::vector<MetricPlan> metrics;
  std::vector<SpanPlan> spans;
  std::vector<std::string> kaddrs;
  std::optional<CgroupIdMapConfig> cgroup_id_map = std::nullopt;
};

struct Planned {
  ProgramPlan plan;
  Findings findings;  // with errors the plan is not to be run
};

// Checks a configuration against its object and lays out what to read. All findings at once.
Planned MakePlan(const ProgramConfig& config, const ObjectFacts& object);

// What is wrong only between configurations that run in one process: one name with two meanings.
Findings CheckTogether(std::span<const ProgramPlan> plans);

}  // namespace bpftally
