#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace bpftally {

enum class MetricType { kCounter, kGauge, kHistogram };
std::string_view MetricTypeName(MetricType type);  // "counter", "gauge", "histogram"

// Properties that all samples of a family share, stored once.
struct FamilySpec {
  std::string name;  // the Prometheus name, whole: a counter's ends in _total
  std::string help;
  MetricType type = MetricType::kGauge;
  std::string unit;  // UCUM: "By", "s", "{entry}"; empty for none, and for info metrics
  std::vector<std::string> label_names = {};
  std::string scope = {};  // OpenTelemetry's instrumentation scope; empty: ours
};

// A value, exact: 64-bit integers of the kernel never go through a double.
using Number = std::variant<uint64_t, int64_t, double>;

// The label values of one series: label_names.size() views, owned by the batch. Many samples of
// many families may share one of these; that it is the same pointer is a hint that exporters may
// use.
using LabelValues = const std::string_view*;

struct Sample {
  LabelValues labels = nullptr;
  Number value = uint64_t{0};
  int64_t start_time_ns = 0;  // counters: since when it counts, wall clock; 0 where unknown
};

struct HistogramSample {
  LabelValues labels = nullptr;
  std::span<const double> upper_bounds;  // ascending, without +Inf; owned by the batch
  std::span<const uint64_t>
      counts;  // per bucket, not cumulative: one more than upper_bounds; owned by the batch
  std::optional<Number> sum;
  int64_t start_time_ns = 0;
};

struct MetricFamily {
  FamilySpec spec;
  std::string_view collector;  // who made it: what collect[]= selects by; points to static storage
  std::vector<Sample> samples;
  std::vector<HistogramSample> histograms;  // of a kHistogram family, instead of samples
};

// The metrics of one moment: named families, plain data. Built from scratch at each poll by one
// thread, then immutable and shared by every exporter.
class MetricBatch {
 public:
  MetricBatch() = default;
  MetricBatch(const MetricBatch&) = delete;
  MetricBatch& operator=(const MetricBatch&) = delete;
  MetricBatch(MetricBatch&& other) noexcept { Swap(other); }
  MetricBatch& operator=(MetricBatch&& other) noexcept {
    MetricBatch(std::move(other)).Swap(*this);
    return *this;
  }
  ~MetricBatch() = default;

  // The reference stays good for the batch's life. `collector` must point to static storage.
  MetricFamily& Add(FamilySpec spec, std::string_view collector, size_t expected_samples = 0);

  // Copies `text` into the batch, as valid UTF-8 (base/utf8.h). Label values go through here, or
  // are static.
  std::string_view Intern(std::string_view text);
  std::string_view InternNumber(uint64_t number);

  // A series' label values, in the order of the family's label_names. The views must be interned or
  // static.
  LabelValues Labels(std::span<const std::string_view> values);
  LabelValues Labels(std::initializer_list<std::string_view> values);
  // Reserves `count` label values, to be filled in before the batch is handed out.
  std::string_view* NewLabels(size_t count);

  std::span<const double> Bounds(std::span<const double> values);
  std::span<const uint64_t> Counts(std::span<const uint64_t> values);

  const std::deque<MetricFamily>& families() const { return families_; }
  size_t sample_count() const;

  int64_t collected_at_ns = 0;  // wall clock

 private:
  // Memory from blocks that never move: bump allocation, freed with the batch.
  template <typename T>
  T* Allocate(size_t count);
  void Swap(MetricBatch& other) noexcept;

  std::deque<MetricFamily> families_;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  size_t left_ = 0;
};

// Finds everything that an exposition must not have: invalid or clashing names, help missing, a
// counter without _total, a duplicate series, invalid UTF-8, histogram shapes that do not fit. All
// findings, one a line.
Result<void> Validate(const MetricBatch& batch);

bool IsValidMetricName(std::string_view name);  // [a-zA-Z_:][a-zA-Z0-9_:]*
bool IsValidLabelName(std::string_view name);   // [a-zA-Z_][a-zA-Z0-9_]*, not starting with __

}  // namespace bpftally
