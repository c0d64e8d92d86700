#include "model/metric_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <set>
#include <unordered_set>

#include "base/utf8.h"

namespace bpftally {
namespace {

constexpr size_t kBlockBytes = size_t{64} * 1024;

bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsName(std::string_view name, bool colon_allowed) {
  if (name.empty() || IsDigit(name[0])) return false;
  return std::ranges::all_of(name, [&](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '_' || (colon_allowed && c == ':');
  });
}

// Gathers what is wrong with one family after the other.
class Validator {
 public:
  void Check(const MetricFamily& family) {
    CheckSpec(family.spec);
    const bool is_histogram = family.spec.type == MetricType::kHistogram;
    if (is_histogram ? !family.samples.empty() : !family.histograms.empty()) {
      Report(family.spec, "holds samples of another type");
    }
    std::unordered_set<std::string> series;
    for (const Sample& sample : family.samples) CheckSeries(family.spec, sample.labels, series);
    for (const HistogramSample& sample : family.histograms) {
      CheckSeries(family.spec, sample.labels, series);
      CheckHistogram(family.spec, sample);
    }
  }

  Result<void> Finish() const {
    if (problems_.empty()) return {};
    return std::unexpected(
        Error{ErrorKind::kInternal, 0, fmt::format("{}", fmt::join(problems_, "\n"))});
  }

 private:
  void Report(const FamilySpec& spec, const std::string& what) {
    problems_.push_back(fmt::format("{}: {}", spec.name, what));
  }

  void CheckSpec(const FamilySpec& spec) {
    if (!IsValidMetricName(spec.name)) Report(spec, "is no metric name");
    if (!names_.insert(spec.name).second) Report(spec, "is there twice");
    if (spec.help.empty()) Report(spec, "has no help");
    if (!IsValidUtf8(spec.help)) Report(spec, "has a help that is not UTF-8");
    if ((spec.type == MetricType::kCounter) != spec.name.ends_with("_total")) {
      Report(spec, "must end in _total if, and only if, it is a counter");
    }
    std::set<std::string_view> labels;
    for (const std::string& label : spec.label_names) {
      if (!IsValidLabelName(label))
        Report(spec, fmt::format("label \"{}\" is no label name", label));
      if (!labels.insert(label).second)
        Report(spec, fmt::format("label \"{}\" is there twice", label));
    }
  }

  void CheckSeries(const FamilySpec& spec, LabelValues labels,
                   std::unordered_set<std::string>& seen) {
    std::string key;
    for (size_t i = 0; i < spec.label_names.size(); ++i) {
      if (!IsValidUtf8(labels[i])) Report(spec, "has a label value that is not UTF-8");
      fmt::format_to(std::back_inserter(key), "{}:{}", labels[i].size(), labels[i]);
    }
    if (!seen.insert(key).second) Report(spec, fmt::format("has the same series twice: {}", key));
  }

  void CheckHistogram(const FamilySpec& spec, const HistogramSample& sample) {
    if (sample.counts.size() != sample.upper_bounds.size() + 1)
      Report(spec, "has bounds that do not fit its counts");
    if (!std::ranges::is_sorted(sample.upper_bounds, std::less_equal<>())) {
      Report(spec, "has bounds that do not ascend");
    }
  }

  std::set<std::string> names_;
  std::vector<std::string> problems_;
};

}  // namespace

std::string_view MetricTypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      break;
  }
  return "histogram";
}

MetricFamily& MetricBatch::Add(FamilySpec spec, std::string_view collector,
                               size_t expected_samples) {
  MetricFamily& family = families_.emplace_back();
  family.spec = std::move(spec);
  family.collector = collector;
  if (family.spec.type == MetricType::kHistogram) {
    family.histograms.reserve(expected_samples);
  } else {
    family.samples.reserve(expected_samples);
  }
  return family;
}

void MetricBatch::Swap(MetricBatch& other) noexcept {
  families_.swap(other.families_);
  blocks_.swap(other.blocks_);
  std::swap(next_, other.next_);
  std::swap(left_, other.left_);
  std::swap(collected_at_ns, other.collected_at_ns);
}

template <typename T>
T* MetricBatch::Allocate(size_t count) {
  static_assert(std::is_trivially_destructible_v<T>);
  const size_t bytes = count * sizeof(T);
  size_t padding = -reinterpret_cast<uintptr_t>(next_) % alignof(T);
  if (left_ < bytes + padding) {
    const size_t block = std::max(bytes, kBlockBytes);
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(block));
    next_ = blocks_.back().get();
    left_ = block;
    padding = 0;  // operator new[] aligns for every T used here
  }
  T* start = reinterpret_cast<T*>(next_ + padding);
  next_ += bytes + padding;
  left_ -= bytes + padding;
  return start;
}

std::string_view MetricBatch::Intern(std::string_view text) {
  if (text.empty()) return {};
  if (!IsValidUtf8(text)) return Intern(ToValidUtf8(text));
  char* copy = Allocate<char>(text.size());
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

std::string_view MetricBatch::InternNumber(uint64_t number) {
  constexpr size_t kMostDigits = 20;
  char* const digits = Allocate<char>(kMostDigits);
  char* const end = std::to_chars(digits, digits + kMostDigits, number).ptr;
  const auto unused = static_cast<size_t>(digits + kMostDigits - end);
  next_ -= unused;  // of what was allocated last
  left_ += unused;
  return {digits, end};
}

LabelValues MetricBatch::Labels(std::span<const std::string_view> values) {
  std::string_view* copy = NewLabels(values.size());
  std::ranges::copy(values, copy);
  return copy;
}

std::string_view* MetricBatch::NewLabels(size_t count) {
  auto* labels = Allocate<std::string_view>(count);
  std::uninitialized_value_construct_n(labels, count);
  return labels;
}

LabelValues MetricBatch::Labels(std::initializer_list<std::string_view> values) {
  return Labels(std::span(values.begin(), values.size()));
}

std::span<const double> MetricBatch::Bounds(std::span<const double> values) {
  auto* copy = Allocate<double>(values.size());
  std::ranges::copy(values, copy);
  return {copy, values.size()};
}

std::span<const uint64_t> MetricBatch::Counts(std::span<const uint64_t> values) {
  auto* copy = Allocate<uint64_t>(values.size());
  std::ranges::copy(values, copy);
  return {copy, values.size()};
}

size_t MetricBatch::sample_count() const {
  size_t count = 0;
  for (const MetricFamily& family : families_)
    count += family.samples.size() + family.histograms.size();
  return count;
}

bool IsValidMetricName(std::string_view name) { return IsName(name, true); }
bool IsValidLabelName(std::string_view name) {
  return IsName(name, false) && !name.starts_with("__");
}

Result<void> Validate(const MetricBatch& batch) {
  Validator validator;
  for (const MetricFamily& family : batch.families()) validator.Check(family);
  return validator.Finish();
}

}  // namespace bpftally
