#pragma once

// What a metric program does, in terms that loader, reader, evaluator and validator share:
// source (a map, or events) -> fields -> labels -> value -> instrument. Pure: made of a
// configuration and of what the object file says, without the kernel.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/finding.h"
#include "model/metric_batch.h"

namespace bpftally {

// Where a part of the plan stands in its file. It is no part of what the plan means: plans that
// differ in places only are equal.
struct PlanPlace : ConfigPosition {
  PlanPlace() = default;
  PlanPlace(const ConfigPosition& at) : ConfigPosition(at) {}  // NOLINT: as what it is
  PlanPlace(int line_number, int column_number) : ConfigPosition{line_number, column_number} {}

  bool operator==(const PlanPlace&) const { return true; }
};

// Bytes of a key, a value or an event.
struct FieldPlan {
  size_t offset = 0;
  size_t size = 0;

  bool operator==(const FieldPlan&) const = default;
};

struct DecoderPlan {
  std::string name;
  // Text to text, in the order of the file, no key twice. Absent and empty differ.
  std::optional<std::vector<std::pair<std::string, std::string>>> static_map = std::nullopt;
  std::optional<std::vector<std::string>> regexps = std::nullopt;
  bool allow_unknown = false;
  PlanPlace at = {};

  bool operator==(const DecoderPlan&) const = default;
};

struct LabelPlan {
  std::string name;  // as published: a valid Prometheus label name
  FieldPlan field;
  std::vector<DecoderPlan> decoders;

  bool operator==(const LabelPlan&) const = default;
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

  bool operator==(const HistogramPlan&) const = default;
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
  PlanPlace at = {};

  bool operator==(const MetricPlan&) const = default;
};

struct SpanPlan {
  std::string map;
  std::string name;
  std::string service;
  std::vector<LabelPlan> labels;
  size_t event_size = 0;  // what the labels take of its front
  std::optional<Error> unusable = std::nullopt;

  bool operator==(const SpanPlan&) const = default;
};

struct FunctionPlan {
  std::string name;     // of the function
  std::string section;  // as in SEC()

  bool operator==(const FunctionPlan&) const = default;
};

struct CgroupIdMapPlan {
  std::string name;
  std::string type;  // hash (also when empty), cgrp_storage
  std::vector<std::string> regexps = {};
  PlanPlace at = {};

  bool operator==(const CgroupIdMapPlan&) const = default;
};

// A family that tells of metric programs themselves: how the dialect of their configuration calls
// it. Without a name there is none.
struct SelfFamily {
  std::string name;
  std::string help;

  bool operator==(const SelfFamily&) const = default;
};

struct SelfMetrics {
  SelfFamily configurations;    // 1 for each
  SelfFamily functions;         // 1 for each in the kernel
  SelfFamily attached;          // 1 or 0 for each in the kernel
  SelfFamily run_time_seconds;  // with run statistics
  SelfFamily runs;              // with run statistics
  SelfFamily decoder_errors;    // of each configuration

  bool operator==(const SelfMetrics&) const = default;
};

struct ProgramPlan {
  std::string name;    // of the configuration
  std::string file;    // for messages
  std::string object;  // the .bpf.o
  std::vector<FunctionPlan> programs = {};
  std::vector<MetricPlan> metrics;
  std::vector<SpanPlan> spans;
  std::vector<std::string> kaddrs;
  std::optional<CgroupIdMapPlan> cgroup_id_map = std::nullopt;
  SelfMetrics self = {};

  bool operator==(const ProgramPlan&) const = default;
};

}  // namespace bpftally
