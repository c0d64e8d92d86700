#pragma once

// What a metric program does, in terms that every front end ends in and that loader, reader and
// evaluator begin with: source (a map, or events) -> fields -> labels -> value -> instrument. Plain
// data, made of a configuration and of what the object file says: the same files give the same plan
// on every machine. The kernel is asked in load/.

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

// Where a part of the plan stands in its file. This is no part of what the plan means: plans that
// differ in places only are equal.
struct PlanPlace : ConfigPosition {
  PlanPlace() = default;
  PlanPlace(const ConfigPosition& at) : ConfigPosition(at) {}  // NOLINT: as what it is
  PlanPlace(int line_number, int column_number) : ConfigPosition{line_number, column_number} {}

  bool operator==(const PlanPlace&) const { return true; }
};

// Text to text, in the order of the file, no key twice.
using TextMap = std::vector<std::pair<std::string, std::string>>;
using Regexps = std::vector<std::string>;

// Where in a row the bytes of a field are.
enum class Part : uint8_t {
  kKey,
  kValue,  // also an event's or an iterator record's bytes
  kCpu,    // the number of the CPU that the value is of: two bytes, of the host's order
};

// How the bytes of a field are a number.
enum class Encoding : uint8_t {
  kUnsigned,
  kSigned,  // two's complement
  kFloat,   // IEEE 754, of 4 or 8 bytes
};

// Bytes of a row.
struct FieldPlan {
  uint32_t offset = 0;
  uint32_t size = 0;
  Part part = Part::kKey;
  Encoding encoding = Encoding::kUnsigned;  // of a field whose number is asked for

  bool operator==(const FieldPlan&) const = default;
};

// What a map of texts does with a text that it does not know.
enum class UnknownRule : uint8_t {
  kMark,  // "unknown:" before it
  kKeep,
};

struct DecoderPlan {
  std::string name;
  // A static_map without texts and one without any map differ.
  std::variant<std::monostate, TextMap, Regexps> argument = {};
  UnknownRule unknown = UnknownRule::kMark;
  PlanPlace at = {};

  bool operator==(const DecoderPlan&) const = default;
};

struct LabelPlan {
  std::string name;  // as published: a valid Prometheus label name; of a span: any text
  FieldPlan field;
  std::vector<DecoderPlan> decoders;

  bool operator==(const LabelPlan&) const = default;
};

enum class Comparison : uint8_t { kEqual, kNotEqual };

// Rows whose column does not compare so are none of the metric's.
struct SelectorPlan {
  LabelPlan column;
  Comparison comparison = Comparison::kEqual;
  std::string operand;

  bool operator==(const SelectorPlan&) const = default;
};

// What is done with the values that a row has on several CPUs.
enum class CpuRule : uint8_t {
  kSum,
  kEach,  // each is a row of its own
};

struct ValuePlan {
  std::optional<FieldPlan> field = std::nullopt;  // none: 1 a row
  double multiplier = 1;                          // other than 1: the value is a double
  CpuRule cpus = CpuRule::kSum;
  bool as_double = false;  // the format counts in floating point, and rounds

  bool operator==(const ValuePlan&) const = default;
};

struct CounterPlan {
  ValuePlan value = {};
  bool accumulate = false;  // each read adds to what was counted before; events always do

  bool operator==(const CounterPlan&) const = default;
};

// Which of the rows of one series counts.
enum class RowRule : uint8_t { kLast, kSum, kMax };

struct GaugePlan {
  ValuePlan value = {};
  RowRule rows = RowRule::kLast;

  bool operator==(const GaugePlan&) const = default;
};

// Stands for a slot that no key can name: of a negative bucket, or of one that is no whole number.
inline constexpr uint64_t kNoSlot = UINT64_MAX;

struct BucketPlan {
  double upper_bound = 0;   // any multiplier applied; without +Inf
  uint64_t slot = kNoSlot;  // whose count it has; not of observed values

  bool operator==(const BucketPlan&) const = default;
};

// A row is one slot of a histogram: its label decodes to the slot's number, its value is the count.
// Slots that are no bucket's are dropped.
struct SlotInKey {
  LabelPlan slot;
  FieldPlan count = {.size = 8, .part = Part::kValue};

  bool operator==(const SlotInKey&) const = default;
};

// A row is a whole histogram: its value has an array of counts, slot after slot.
struct SlotsInValue {
  FieldPlan array = {.part = Part::kValue};
  uint32_t slot_size = 8;

  bool operator==(const SlotsInValue&) const = default;
};

// A row is one observation. What lies above all bounds counts for +Inf.
struct Observed {
  ValuePlan value = {};

  bool operator==(const Observed&) const = default;
};

// The sum is the value of a slot that is no bucket's. It may be kNoSlot: the sum is 0.
struct SumSlot {
  uint64_t slot = kNoSlot;

  bool operator==(const SumSlot&) const = default;
};

struct HistogramPlan {
  std::variant<SlotInKey, SlotsInValue, Observed> source = {};
  std::vector<BucketPlan> buckets = {};  // their bounds ascend
  // Observed values are summed up whatever this says; else there is no sum without it.
  std::variant<std::monostate, SumSlot, FieldPlan> sum = {};
  double sum_multiplier = 1;

  bool operator==(const HistogramPlan&) const = default;
};

struct SeriesLimit {
  size_t series = SIZE_MAX;        // of this metric, beside the limit of all metrics
  bool overflow_to_other = false;  // rows of one series too many: a series of labels "other"

  bool operator==(const SeriesLimit&) const = default;
};

struct MetricPlan {
  std::string name;  // the family's, prefix included
  std::string help;
  std::string unit = {};               // UCUM, or empty
  std::vector<LabelPlan> labels = {};  // without a histogram's slot
  std::vector<SelectorPlan> selectors = {};
  std::variant<CounterPlan, GaugePlan, HistogramPlan> instrument = {};
  SeriesLimit limit = {};
  bool needs_zero_key = false;  // a key other than four zero bytes is an error
  // Why it never gives a sample: said at start, counted at each poll.
  std::optional<Error> unusable = std::nullopt;
  PlanPlace at = {};

  bool operator==(const MetricPlan&) const = default;
};

struct SpanPlan {
  std::string name;
  std::string service = {};
  std::vector<LabelPlan> labels = {};
  TextMap attributes = {};  // the same of each span
  std::optional<Error> unusable = std::nullopt;

  bool operator==(const SpanPlan&) const = default;
};

// The entries of a map, all of them at each poll.
struct MapSource {
  std::string map;  // its whole name in the object

  bool operator==(const MapSource&) const = default;
};

// What a program hands over through a perf or ring buffer. Counted from one flush to the next.
struct EventSource {
  std::string map;
  std::chrono::nanoseconds flush_interval{0};  // all series are forgotten so often; 0: never

  bool operator==(const EventSource&) const = default;
};

// Rows, read once however many metrics and spans are made of them.
struct SourcePlan {
  std::variant<MapSource, EventSource> from = {};
  uint32_t key_size = 0;    // of a map
  uint32_t value_size = 0;  // of an event: at least so many bytes, or it has no meaning
  std::vector<MetricPlan> metrics = {};
  std::vector<SpanPlan> spans = {};

  bool operator==(const SourcePlan&) const = default;
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

// Families that tell of the program itself, beside our own, under the names of its format. Empty:
// there are none.
struct SelfMetrics {
  std::string prefix = {};  // before the names of plan/self_metrics.h

  bool operator==(const SelfMetrics&) const = default;
};

struct ProgramPlan {
  std::string name;         // of the configuration
  std::string file = {};    // for messages
  std::string format = {};  // the front end that it is of
  std::string object = {};  // the .bpf.o
  // Its author's, for lists of programs: what it shows, what it needs, a line each. May be empty.
  std::string description = {};
  std::string needs = {};
  std::string scope = {};     // the instrumentation scope of its metrics; empty: ours
  TextMap const_labels = {};  // of each series, beside its own
  std::vector<FunctionPlan> functions = {};
  std::vector<SourcePlan> sources = {};
  std::vector<std::string> kaddrs = {};
  std::optional<CgroupIdMapPlan> cgroup_id_map = std::nullopt;
  SelfMetrics self = {};

  bool operator==(const ProgramPlan&) const = default;
};

// The metrics of all sources, in their order. `plan` must outlive the view.
inline auto MetricsOf(const ProgramPlan& plan) {
  return plan.sources | std::views::transform(&SourcePlan::metrics) | std::views::join;
}

// Likewise the spans.
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

// Of the family in which the metric is published. Labels are sorted by name.
FamilySpec FamilyOf(const ProgramPlan& program, const MetricPlan& metric);

}  // namespace bpftally
