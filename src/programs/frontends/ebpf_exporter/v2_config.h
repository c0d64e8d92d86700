#pragma once

// Configuration of one metric program as its author wrote it in ebpf_exporter's YAML, not yet
// checked against the object.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/finding.h"
#include "programs/plan/plan.h"

namespace bpftally {

struct DecoderConfig {
  std::string name;
  // An absent map and an empty one differ.
  std::optional<TextMap> static_map = std::nullopt;
  std::optional<Regexps> regexps = std::nullopt;
  bool allow_unknown = false;
  ConfigPosition at = {};
};

struct LabelConfig {
  std::string name;
  uint64_t size = 0;     // bytes
  uint64_t padding = 0;  // bytes after the field that are skipped
  std::vector<DecoderConfig> decoders = {};
  ConfigPosition at = {};
};

// Describes one of several counters of 8 bytes each that follow one another in a map's value.
struct CounterValueConfig {
  std::string name;  // the metric's, without the prefix
  std::string help;
  ConfigPosition at = {};
};

struct CounterConfig {
  std::string name;  // the map's, and the metric's without the prefix
  std::string help;
  bool perf_event_array = false;
  std::chrono::nanoseconds flush_interval = std::chrono::hours(1);
  std::vector<CounterValueConfig> values = {};  // if there are any, each is a metric
  std::vector<LabelConfig> labels = {};
  ConfigPosition at = {};
};

struct HistogramConfig {
  std::string name;
  std::string help;
  std::string bucket_type;  // exp2, exp2zero, linear, fixed
  int64_t bucket_min = 0;
  int64_t bucket_max = 0;
  double bucket_multiplier = 0;  // 0 means 1
  std::vector<double> bucket_keys = {};
  std::vector<LabelConfig> labels = {};  // the last one is the bucket
  ConfigPosition at = {};
};

struct SpanConfig {
  std::string ringbuf;  // name of the map; if empty, the span's name
  std::string name;
  std::string service;
  std::vector<LabelConfig> labels = {};
  ConfigPosition at = {};
};

struct ProgramConfig {
  std::string name;    // the file's stem
  std::string file;    // for messages
  std::string object;  // the .bpf.o
  // Texts for lists of programs, which are our extension: what it shows and what it needs, a line
  // each. May be empty.
  std::string description = {};
  std::string needs = {};
  std::vector<CounterConfig> counters = {};
  std::vector<HistogramConfig> histograms = {};
  std::vector<SpanConfig> spans = {};
  std::vector<std::string> kaddrs = {};
  std::optional<CgroupIdMapPlan> cgroup_id_map = std::nullopt;
};

}  // namespace bpftally
