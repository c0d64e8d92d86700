#include "export/prometheus/exposition_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "base/utf8.h"
#include "model/metric_batch.h"

namespace bpftally {
namespace {

using Labels = std::map<std::string, std::string>;

// Error that is thrown and caught in this file only.
struct Malformed {
  std::string what;
};

void Require(bool fulfilled, std::string_view what) {
  if (!fulfilled) throw Malformed{std::string(what)};
}

bool IsDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Reads a line from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view rest) : rest_(rest) {}

  std::string_view rest() const { return rest_; }

  bool Skip(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  void Expect(std::string_view expected) {
    Require(Skip(expected), fmt::format("\"{}\" expected at \"{}\"", expected, rest_));
  }

  std::string_view Until(std::string_view stops) {
    const std::string_view taken = rest_.substr(0, rest_.find_first_of(stops));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  // Reads and unescapes up to the end or, where quotes are escaped, up to a quote.
  std::string Text(bool quotes_escaped) {
    std::string text;
    while (!rest_.empty() && !(quotes_escaped && rest_[0] == '"')) {
      if (Skip("\\")) {
        text += Escape(quotes_escaped);
      } else {
        text += rest_[0];
        rest_.remove_prefix(1);
      }
    }
    return text;
  }

 private:
  char Escape(bool quotes_escaped) {
    if (Skip("\\")) return '\\';
    if (Skip("n")) return '\n';
    Require(quotes_escaped && Skip("\""), "bad escape");
    return '"';
  }

  std::string_view rest_;
};

double ParseNumber(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  const std::string error = fmt::format("\"{}\" is no number", text);
  Scanner scanner(text);
  scanner.Skip("-");
  Require(IsDigits(scanner.Until(".e")), error);
  if (scanner.Skip(".")) Require(IsDigits(scanner.Until("e")), error);
  if (scanner.Skip("e")) {
    Require(scanner.Skip("+") || scanner.Skip("-"), error);
    Require(IsDigits(scanner.rest()), error);
  }
  double value = 0;
  const auto parsed = std::from_chars(text.begin(), text.end(), value);
  Require(parsed.ec == std::errc() && parsed.ptr == text.end(), error);
  return value;
}

// Parses a whole number, also in the floating-point spelling of Go's client.
uint64_t ParseCount(std::string_view text) {
  uint64_t count = 0;
  const auto parsed = std::from_chars(text.begin(), text.end(), count);
  if (parsed.ec != std::errc() || parsed.ptr != text.end()) {
    double whole = -1;
    const auto floating = std::from_chars(text.begin(), text.end(), whole);
    Require(floating.ec == std::errc() && floating.ptr == text.end() && whole >= 0 &&
                whole <= 0x1p64 && std::trunc(whole) == whole,
            fmt::format("\"{}\" counts not", text));
    // The largest count is not representable as a double: its text is the next double.
    count = whole < 0x1p64 ? static_cast<uint64_t>(whole) : UINT64_MAX;
  }
  return count;
}

ParsedSample ParseSampleLine(std::string_view line) {
  ParsedSample sample;
  Scanner scanner(line);
  sample.name = scanner.Until("{ ");
  Require(IsValidMetricName(sample.name), "no metric name");
  if (scanner.Skip("{")) {
    do {
      const std::string label(scanner.Until("="));
      Require(IsValidLabelName(label), fmt::format("\"{}\" is no label name", label));
      scanner.Expect("=\"");
      const bool fresh = sample.labels.emplace(label, scanner.Text(true)).second;
      Require(fresh, fmt::format("label {} is there twice", label));
      scanner.Expect("\"");
    } while (scanner.Skip(","));
    scanner.Expect("}");
  }
  scanner.Expect(" ");
  sample.value_text = scanner.rest();
  sample.value = ParseNumber(sample.value_text);
  return sample;
}

// One series of a histogram: checks that buckets, count and sum fit together.
class HistogramSeries {
 public:
  explicit HistogramSeries(bool open_metrics) : open_metrics_(open_metrics) {}

  void Take(const ParsedSample& sample, std::string_view suffix) {
    const bool is_bucket = suffix == "_bucket";
    Require(is_bucket == sample.labels.contains("le"), "le is what every bucket has, and only it");
    if (is_bucket) TakeBucket(sample);
    if (suffix == "_count") count_ = ParseCount(sample.value_text);
    if (suffix == "_sum") has_sum_ = true;
  }

  void Finish() const {
    Require(last_bound_ == std::numeric_limits<double>::infinity(), "no +Inf bucket");
    Require(!count_ || *count_ == last_cumulative_, "count is not what the +Inf bucket says");
    if (open_metrics_) {
      Require(count_.has_value() == has_sum_, "either of count and sum without the other");
      Require(!has_sum_ || !has_negative_, "sum beside negative buckets");
    } else {
      Require(count_.has_value(), "histogram without count");
    }
  }

 private:
  void TakeBucket(const ParsedSample& sample) {
    const std::string& le = sample.labels.at("le");
    const double bound = ParseNumber(le);
    const bool is_float = le.find_first_of(".eI") != std::string::npos;
    Require(is_float || !open_metrics_, "le is not written as a float");
    Require(!last_bound_ || bound > *last_bound_, "bounds do not ascend");
    const uint64_t cumulative = ParseCount(sample.value_text);
    Require(cumulative >= last_cumulative_, "buckets do not cumulate");
    has_negative_ = has_negative_ || bound < 0;
    last_bound_ = bound;
    last_cumulative_ = cumulative;
  }

  bool open_metrics_;
  std::optional<double> last_bound_;
  uint64_t last_cumulative_ = 0;
  std::optional<uint64_t> count_;
  bool has_sum_ = false;
  bool has_negative_ = false;
};

void CheckHistogram(const ParsedFamily& family, bool open_metrics) {
  std::map<Labels, HistogramSeries> all;
  const HistogramSeries* current = nullptr;
  for (const ParsedSample& sample : family.samples) {
    Labels labels = sample.labels;
    labels.erase("le");
    const auto [at, fresh] = all.try_emplace(std::move(labels), open_metrics);
    Require(fresh || &at->second == current, "series of a histogram interleaved");
    current = &at->second;
    at->second.Take(sample, std::string_view(sample.name).substr(family.name.size()));
  }
  for (const auto& [labels, series] : all) series.Finish();
}

class Parser {
 public:
  explicit Parser(TextFormat format) : open_metrics_(format != TextFormat::kPrometheus004) {}

  void ParseLine(std::string_view line) {
    Require(!ended_, "text after # EOF");
    Require(IsValidUtf8(line), "not UTF-8");
    if (open_metrics_ && line == "# EOF") {
      ended_ = true;
    } else if (Scanner scanner(line); scanner.Skip("# ")) {
      ParseDescriptor(scanner);
    } else {
      AddSample(ParseSampleLine(line));
    }
  }

  std::vector<ParsedFamily> Finish() {
    FinishFamily();
    Require(ended_ || !open_metrics_, "no # EOF");
    return std::move(families_);
  }

 private:
  ParsedFamily& family() { return families_.back(); }

  void ParseDescriptor(Scanner scanner) {
    const std::string keyword(scanner.Until(" "));
    scanner.Expect(" ");
    Enter(scanner.Until(" "));
    scanner.Expect(" ");
    Require(described_.insert(keyword).second, fmt::format("{} given twice", keyword));
    Require(family().samples.empty(), fmt::format("{} after a sample", keyword));
    if (keyword == "HELP") {
      family().help = scanner.Text(open_metrics_);
      Require(scanner.rest().empty(), "quote in a help text");
    } else if (keyword == "TYPE") {
      SetType(scanner.rest());
    } else {
      Require(keyword == "UNIT" && open_metrics_, "unknown keyword");
      family().unit = scanner.rest();
      Require(family().name.ends_with("_" + family().unit), "unit is not the name's suffix");
    }
  }

  // Starts a family, unless it is the current one.
  void Enter(std::string_view name) {
    if (!families_.empty() && family().name == name) return;
    FinishFamily();
    Require(IsValidMetricName(name), "no family name");
    Require(names_.insert(std::string(name)).second, "family interleaved with another");
    described_.clear();
    families_.emplace_back().name = name;
  }

  void SetType(std::string_view type) {
    family().type = type;
    Require(type == "counter" || type == "gauge" || type == "histogram", "unknown type");
    const bool counter_total = type == "counter" && family().name.ends_with("_total");
    Require(!open_metrics_ || !counter_total, "counter family named with _total");
  }

  void AddSample(ParsedSample sample) {
    Require(!families_.empty() && sample.name.starts_with(family().name), "sample of no family");
    Require(!family().type.empty(), "sample without a type");
    const std::string suffix = sample.name.substr(family().name.size());
    if (family().type == "histogram") {
      Require(suffix == "_bucket" || suffix == "_sum" || suffix == "_count", "alien suffix");
    } else {
      const bool is_total = open_metrics_ && family().type == "counter";
      Require(suffix == (is_total ? "_total" : ""), "alien suffix");
      Require(!is_total || sample.value >= 0, "counter negative or NaN");
    }
    Require(series_.emplace(sample.name, sample.labels).second, "series is there twice");
    family().samples.push_back(std::move(sample));
  }

  void FinishFamily() {
    if (families_.empty()) return;
    Require(!family().samples.empty(), "family without samples");
    if (family().type == "histogram") CheckHistogram(family(), open_metrics_);
  }

  bool open_metrics_;
  bool ended_ = false;
  std::vector<ParsedFamily> families_;
  std::set<std::string> described_;  // metadata lines seen for the current family
  std::set<std::string> names_;
  std::set<std::pair<std::string, Labels>> series_;
};

}  // namespace

std::expected<std::vector<ParsedFamily>, std::string> ParseExposition(std::string_view text,
                                                                      TextFormat format) {
  Parser parser(format);
  size_t line_number = 0;
  try {
    while (!text.empty()) {
      ++line_number;
      const size_t end = text.find('\n');
      Require(end != std::string_view::npos, "last line not ended");
      parser.ParseLine(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    return parser.Finish();
  } catch (const Malformed& malformed) {
    return std::unexpected(fmt::format("line {}: {}", line_number, malformed.what));
  }
}

}  // namespace bpftally
