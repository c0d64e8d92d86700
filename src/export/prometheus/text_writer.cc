#include "export/prometheus/text_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "export/prometheus/text_number.h"
#include "export/prometheus/text_output.h"

namespace bpftally {
namespace {

// Double quotes are plain in help texts of 0.0.4 and must be escaped everywhere else.
enum class Quotes { kPlain, kEscaped };

void AppendEscaped(TextOutput& out, std::string_view text, Quotes quotes) {
  if (out.AppendPlain(text)) return;
  for (const char& c : text) {
    if (c == '\n') {
      out.Append("\\n");
    } else {
      if (c == '\\' || (c == '"' && quotes == Quotes::kEscaped)) out.Append("\\");
      out.Append({&c, 1});
    }
  }
}

void AppendValue(TextOutput& out, double value) {
  char* end = FormatNumber(out.Room(kNumberBytes), value);
  *end++ = '\n';
  out.Advance(end);
}

template <std::integral T>
void AppendValue(TextOutput& out, T value) {
  char* room = out.Room(kNumberBytes);
  char* end = std::to_chars(room, room + kNumberBytes - 1, value).ptr;
  *end++ = '\n';
  out.Advance(end);
}

void AppendValue(TextOutput& out, const Number& number) {
  std::visit([&](auto value) { AppendValue(out, value); }, number);
}

// Constant text that is copied for each series in whole blocks. A memcpy of a length unknown to the
// compiler is a function call, and a line needs one for each label.
class BlockText {
 public:
  explicit BlockText(std::string text) : size_(text.size()), blocks_(std::move(text)) {
    blocks_.resize((size_ + kBlockBytes - 1) / kBlockBytes * kBlockBytes);
  }

  std::string_view text() const { return {blocks_.data(), size_}; }
  size_t room() const { return blocks_.size(); }  // bytes that CopyTo writes to

  char* CopyTo(char* to) const {
    for (size_t at = 0; at < blocks_.size(); at += kBlockBytes)
      std::memcpy(to + at, blocks_.data() + at, kBlockBytes);
    return to + size_;
  }

 private:
  static constexpr size_t kBlockBytes = 32;
  size_t size_;
  std::string blocks_;
};

// Name and labels of a family's series, formatted once, with gaps for the label values:
// `name{id="`, `",type="`, `"} `.
class SeriesText {
 public:
  SeriesText(std::string_view name, std::span<const std::string> labels)
      : end_(labels.empty() ? fmt::format("{} ", name) : "\"} "), room_(end_.room()) {
    std::string before = fmt::format("{}{{", name);
    for (const std::string& label : labels) {
      before_values_.emplace_back(fmt::format("{}{}=\"", before, label));
      room_ += before_values_.back().room();
      before = "\",";
    }
  }

  void Write(TextOutput& out, LabelValues values) const {
    if (!WriteAtOnce(out, values)) WriteEscaped(out, values);
  }

 private:
  // Returns false, having written nothing, for the rare line that needs escapes or exceeds a chunk.
  bool WriteAtOnce(TextOutput& out, LabelValues values) const {
    size_t room = room_;
    for (size_t i = 0; i < before_values_.size(); ++i) room += values[i].size();
    char* at = out.Room(room);
    if (at == nullptr) return false;
    bool escapes = false;
    for (const BlockText& before : before_values_) {
      at = before.CopyTo(at);
      escapes |= CopyFindingEscapes(at, *values);
      at += (values++)->size();
    }
    if (escapes) return false;
    out.Advance(end_.CopyTo(at));
    return true;
  }

  void WriteEscaped(TextOutput& out, LabelValues values) const {
    for (const BlockText& before : before_values_) {
      out.Append(before.text());
      AppendEscaped(out, *values++, Quotes::kEscaped);
    }
    out.Append(end_.text());
  }

  std::vector<BlockText> before_values_;
  BlockText end_;
  size_t room_;
};

constexpr std::string_view kCounterSuffix = "_total";

// Returns the word for a UCUM unit in Prometheus names; empty if OpenMetrics has none.
std::string_view UnitWord(std::string_view unit) {
  if (unit == "By") return "bytes";
  if (unit == "s") return "seconds";
  return {};
}

// Writes one family in one format.
class FamilyWriter {
 public:
  FamilyWriter(TextOutput& out, const MetricFamily& family, TextFormat format)
      : out_(out), family_(family), spec_(family.spec), format_(format) {}

  void Write() {
    WriteHeader();
    if (spec_.type == MetricType::kHistogram) {
      WriteHistograms();
    } else {
      WriteSamples();
    }
  }

 private:
  bool open_metrics() const { return format_ == TextFormat::kOpenMetrics100; }

  // Returns the family's name: OpenMetrics omits the suffix that the samples of a counter have.
  std::string_view FamilyName() const {
    std::string_view name = spec_.name;
    if (open_metrics() && spec_.type == MetricType::kCounter && name.ends_with(kCounterSuffix)) {
      name.remove_suffix(kCounterSuffix.size());
    }
    return name;
  }

  // OpenMetrics knows no counter without the suffix, and the name must be the same in both formats:
  // such a counter has type unknown there.
  std::string_view FamilyType() const {
    const bool nameless_counter = open_metrics() && spec_.type == MetricType::kCounter &&
                                  !spec_.name.ends_with(kCounterSuffix);
    return nameless_counter ? "unknown" : MetricTypeName(spec_.type);
  }

  void WriteHeader() {
    const std::string_view name = FamilyName();
    out_.Append(fmt::format("# HELP {} ", name));
    AppendEscaped(out_, spec_.help, open_metrics() ? Quotes::kEscaped : Quotes::kPlain);
    out_.Append(fmt::format("\n# TYPE {} {}\n", name, FamilyType()));
    const std::string_view unit = UnitWord(spec_.unit);
    if (open_metrics() && !unit.empty() && name.ends_with(fmt::format("_{}", unit))) {
      out_.Append(fmt::format("# UNIT {} {}\n", name, unit));
    }
  }

  void WriteSamples() {
    const SeriesText series(spec_.name, spec_.label_names);
    for (const Sample& sample : family_.samples) {
      series.Write(out_, sample.labels);
      AppendValue(out_, sample.value);
    }
  }

  void WriteHistograms() {
    std::vector<std::string> bucket_labels = spec_.label_names;
    bucket_labels.emplace_back("le");
    const SeriesText bucket(spec_.name + "_bucket", bucket_labels);
    const SeriesText sum(spec_.name + "_sum", spec_.label_names);
    const SeriesText count(spec_.name + "_count", spec_.label_names);
    for (const HistogramSample& sample : family_.histograms) {
      const uint64_t total = WriteBuckets(bucket, sample);
      const std::optional<Number> known_sum = Sum(sample);
      if (known_sum) {
        sum.Write(out_, sample.labels);
        AppendValue(out_, *known_sum);
      }
      // OpenMetrics allows a count only beside a sum; the +Inf bucket has the same value anyway.
      if (known_sum || !open_metrics()) {
        count.Write(out_, sample.labels);
        AppendCount(total);
      }
    }
  }

  // Omits a sum that can fall because observations may be negative: OpenMetrics forbids it.
  std::optional<Number> Sum(const HistogramSample& sample) const {
    const bool may_fall = !sample.upper_bounds.empty() && sample.upper_bounds.front() < 0;
    return open_metrics() && may_fall ? std::nullopt : sample.sum;
  }

  uint64_t WriteBuckets(const SeriesText& bucket, const HistogramSample& sample) {
    values_.assign(sample.labels, sample.labels + spec_.label_names.size());
    values_.emplace_back();
    BoundText bound_text;
    uint64_t cumulative = 0;
    for (size_t i = 0; i < sample.counts.size(); ++i) {
      // Saturates instead of wrapping, whatever counts a program left in its map.
      cumulative += std::min(sample.counts[i], UINT64_MAX - cumulative);
      values_.back() = i < sample.upper_bounds.size()
                           ? bound_text.Format(sample.upper_bounds[i], format_)
                           : "+Inf";
      bucket.Write(out_, values_.data());
      AppendCount(cumulative);
    }
    return cumulative;
  }

  // Follows Go's client: in 0.0.4 every value is a floating-point number.
  void AppendCount(uint64_t count) {
    if (open_metrics()) return AppendValue(out_, count);
    AppendValue(out_, static_cast<double>(count));
  }

  TextOutput& out_;
  const MetricFamily& family_;
  const FamilySpec& spec_;
  TextFormat format_;
  std::vector<std::string_view> values_;  // labels of a bucket; a member to allocate only once
};

}  // namespace

void WriteText(const MetricBatch& batch, TextFormat format, const TextSink& sink,
               const FamilyFilter& filter) {
  TextOutput out(sink);
  for (const MetricFamily& family : batch.families()) {
    const bool empty = family.samples.empty() && family.histograms.empty();
    if (empty || (filter && !filter(family))) continue;
    FamilyWriter(out, family, format).Write();
  }
  if (format == TextFormat::kOpenMetrics100) out.Append("# EOF\n");
  out.Flush();
}

}  // namespace bpftally
