#pragma once

// Describes what a metric program does, in the terms that every front end ends in and that loader,
// reader and evaluator begin with: source (a map, or events) -> fields -> labels -> value ->
// instrument. A plan is plain data, made from a configuration and the facts of the object file: the
// same files give the same plan on every machine. Only load/ asks the kernel.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/finding.h"
#include "model/metric_batch.h"

namespace bpftally {

// Place of a part of the plan in its file. It does not change what the plan means: plans that
// differ only in places are equal.
struct PlanPlace : ConfigPosition {
  PlanPlace() = default;
  PlanPlace(const ConfigPosition& at) : ConfigPosition(at) {}  // NOLINT: as what it is
  PlanPlace(int line_number, int column_number) : ConfigPosition{line_number, column_number} {}

  bool operator==(const PlanPlace&) const { return true; }
};

// Pairs of texts, in the order of the file; no key comes twice.
using TextMap = std::vector<std::pair<std::string, std::string>>;
using Regexps = std::vector<std::string>;

// Names the part of a row that has the bytes of a field.
enum class Part : uint8_t {
  kKey,
  kValue,  // also the bytes of an event or of an iterator's record
  kCpu,    // number of the value's CPU: two bytes, in host order
};

// Says how the bytes of a field form a number.
enum class Encoding : uint8_t {
  kUnsigned,
  kSigned,  // two's complement
  kFloat,   // IEEE 754, of 4 or 8 bytes
};

// Range of bytes in a row.
struct FieldPlan {
  uint32_t offset = 0;
  uint32_t size = 0;
  Part part = Part::kKey;
  Encoding encoding = Encoding::kUnsigned;  // used only if the field is read as a number

  bool operator==(const FieldPlan&) const = default;
};

// Says what a map of texts does with a text that it does not have.
enum class UnknownRule : uint8_t {
  kMark,  // puts "unknown:" before it
  kKeep,
};

struct DecoderPlan {
  std::string name;
  // Empty texts of a static_map differ from no static_map.
  std::variant<std::monostate, TextMap, Regexps> argument = {};
  UnknownRule unknown = UnknownRule::kMark;
  PlanPlace at = {};

  bool operator==(const DecoderPlan&) const = default;
};

struct LabelPlan {
  std::string name;  // as published: a valid Prometheus label name; in a span: any text
  FieldPlan field;
  std::vector<DecoderPlan> decoders;

  bool operator==(const LabelPlan&) const = default;
};

enum class Comparison : uint8_t { kEqual, kNotEqual };

// Keeps only those rows for the metric whose column compares so.
struct SelectorPlan {
  LabelPlan column;
  Comparison comparison = Comparison::kEqual;
  std::string operand;

  bool operator==(const SelectorPlan&) const = default;
};

// Says what is done with the values that a row has on several CPUs.
enum class CpuRule : uint8_t {
  kSum,
  kEach,  // the value of each CPU is a row of its own
};

struct ValuePlan {
  std::optional<FieldPlan> field = std::nullopt;  // none: each row counts 1
  double multiplier = 1;                          // if not 1, the value is a double
  CpuRule cpus = CpuRule::kSum;
  bool as_double = false;  // the format counts in floating point, and so rounds

  bool operator==(const ValuePlan&) const = default;
};

struct CounterPlan {
  ValuePlan value = {};
  bool accumulate = false;  // each read adds to the earlier counts; events always do

  bool operator==(const CounterPlan&) const = default;
};

// Says which of the rows of one series counts.
enum class RowRule : uint8_t { kLast, kSum, kMax };

struct GaugePlan {
  ValuePlan value = {};
  RowRule rows = RowRule::kLast;

  bool operator==(const GaugePlan&) const = default;
};

// Stands for a slot that no key can have: that of a negative bucket, or of one that is no whole
// number.
inline constexpr uint64_t kNoSlot = UINT64_MAX;

struct BucketPlan {
  double upper_bound = 0;   // after any multiplier; +Inf is not listed
  uint64_t slot = kNoSlot;  // the slot with its count; unused for observed values

  bool operator==(const BucketPlan&) const = default;
};

// Means that a row is one slot of a histogram: its label decodes to the slot's number, its value is
// the count. Slots without a bucket are dropped.
struct SlotInKey {
  LabelPlan slot;
  FieldPlan count = {.size = 8, .part = Part::kValue};

  bool operator==(const SlotInKey&) const = default;
};

// Means that a row is a whole histogram: its value has an array of counts, slot after slot.
struct SlotsInValue {
  FieldPlan array = {.part = Part::kValue};
  uint32_t slot_size = 8;

  bool operator==(const SlotsInValue&) const = default;
};

// Means that a row is one observation. Values above all bounds count for +Inf.
struct Observed {
  ValuePlan value = {};

  bool operator==(const Observed&) const = default;
};

// Slot without a bucket whose value is the sum; if it is kNoSlot, the sum is 0.
struct SumSlot {
  uint64_t slot = kNoSlot;

  bool operator==(const SumSlot&) const = default;
};

struct HistogramPlan {
  std::variant<SlotInKey, SlotsInValue, Observed> source = {};
  std::vector<BucketPlan> buckets = {};  // in ascending order of bounds
  // Observed values are always summed up; otherwise there is no sum without this.
  std::variant<std::monostate, SumSlot, FieldPlan> sum = {};
  double sum_multiplier = 1;

  bool operator==(const HistogramPlan&) const = default;
};

struct SeriesLimit {
  size_t series = SIZE_MAX;        // of this metric, in addition to the limit of all metrics
  bool overflow_to_other = false;  // rows over the limit go to a series of labels "other"

  bool operator==(const SeriesLimit&) const = default;
};

struct MetricPlan {
  std::string name;  // name of the family, with prefix
  std::string help;
  std::string unit = {};               // UCUM, or empty
  std::vector<LabelPlan> labels = {};  // without the slot of a histogram
  std::vector<SelectorPlan> selectors = {};
  std::variant<CounterPlan, GaugePlan, HistogramPlan> instrument = {};
  SeriesLimit limit = {};
  bool needs_zero_key = false;  // a key other than four zero bytes is an error
  // Reason why the metric never gives a sample: logged at the start, counted at each poll.
  std::optional<Error> unusable = std::nullopt;
  PlanPlace at = {};

  bool operator==(const MetricPlan&) const = default;
};

struct SpanPlan {
  std::string name;
  std::string service = {};
  std::vector<LabelPlan> labels = {};
  TextMap attributes = {};  // each span has the same
  std::optional<Error> unusable = std::nullopt;

  bool operator==(const SpanPlan&) const = default;
};

// Reads the entries of a map, all of them at each poll.
struct MapSource {
  std::string map;  // full name in the object

  bool operator==(const MapSource&) const = default;
};

// Receives what a program sends through a perf or ring buffer. Counts run from one flush to the
// next.
struct EventSource {
  std::string map;
  std::chrono::nanoseconds flush_interval{0};  // after it all series are forgotten; 0: never

  bool operator==(const EventSource&) const = default;
};

// Rows that are read once, however many metrics and spans are made from them.
struct SourcePlan {
  std::variant<MapSource, EventSource> from = {};
  uint32_t key_size = 0;    // size of a map's keys
  uint32_t value_size = 0;  // minimum size of an event: a smaller one makes no sense
  std::vector<MetricPlan> metrics = {};
  std::vector<SpanPlan> spans = {};

  bool operator==(const SourcePlan&) const = default;
};

struct FunctionPlan {
  std::string name;     // name of the function
  std::string section;  // as in SEC()

  bool operator==(const FunctionPlan&) const = default;
};

struct CgroupIdMapPlan {
  std::string name;
  std::string type;  // hash (also if empty), cgrp_storage
  std::vector<std::string> regexps = {};
  PlanPlace at = {};

  bool operator==(const CgroupIdMapPlan&) const = default;
};

// Families about the program itself, beside our own, under the names of its format. If empty, there
// are none.
struct SelfMetrics {
  std::string prefix = {};  // comes before the names of plan/self_metrics.h

  bool operator==(const SelfMetrics&) const = default;
};

struct ProgramPlan {
  std::string name;         // name of the configuration
  std::string file = {};    // shown in messages
  std::string format = {};  // name of the front end
  std::string object = {};  // the .bpf.o
  // Texts by the author for lists of programs: what it shows, what it needs, a line each. May be
  // empty.
  std::string description = {};
  std::string needs = {};
  std::string scope = {};     // the instrumentation scope of its metrics; empty: ours
  TextMap const_labels = {};  // labels that each series has beside its own
  std::vector<FunctionPlan> functions = {};
  std::vector<SourcePlan> sources = {};
  std::vector<std::string> kaddrs = {};
  std::optional<CgroupIdMapPlan> cgroup_id_map = std::nullopt;
  SelfMetrics self = {};

  bool operator==(const ProgramPlan&) const = default;
};

// Returns the metrics of all sources, in their order. `plan` must outlive the view.
inline auto MetricsOf(const ProgramPlan& plan) {
  return plan.sources | std::views::transform(&SourcePlan::metrics) | std::views::join;
}

// Returns the spans of all sources, in their order. `plan` must outlive the view.
inline auto SpansOf(const ProgramPlan& plan) {
  return plan.sources | std::views::transform(&SourcePlan::spans) | std::views::join;
}

inline const std::string& MapOf(const SourcePlan& source) {
  return std::visit([](const auto& from) -> const std::string& { return from.map; }, source.from);
}

inline bool IsOfEvents(const SourcePlan& source) {
  return std::holds_alternative<EventSource>(source.from);
}

MetricType TypeOf(const MetricPlan& metric);

// Returns the family in which the metric is published. Labels are sorted by name.
FamilySpec FamilyOf(const ProgramPlan& program, const MetricPlan& metric);

}  // namespace bpftally
