#include "export/prometheus/text_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

namespace bpftally {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

// Removes and returns the part of `rest` before the separator, which does not count inside quotes.
std::string_view TakeUntil(char separator, std::string_view& rest) {
  bool quoted = false;
  size_t end = 0;
  for (; end < rest.size() && (quoted || rest[end] != separator); ++end) {
    if (rest[end] == '"') quoted = !quoted;
  }
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return Trim(taken);
}

// One entry of an Accept or Accept-Encoding header.
struct AcceptEntry {
  std::string_view name;
  std::string_view version;
  double q = 1;
};

// Parses a quality value; empty unless it is a number from 0 to 1.
std::optional<double> ParseQ(std::string_view text) {
  double q = 0;
  const auto parsed = std::from_chars(text.begin(), text.end(), q, std::chars_format::fixed);
  const bool in_range = q >= 0 && q <= 1;  // false for NaN, which from_chars accepts
  if (parsed.ec != std::errc() || parsed.ptr != text.end() || !in_range) return std::nullopt;
  return q;
}

std::optional<AcceptEntry> ParseAcceptEntry(std::string_view text) {
  AcceptEntry entry{.name = TakeUntil(';', text), .version = {}};
  while (!text.empty()) {
    std::string_view value = TakeUntil(';', text);
    const std::string_view key = TakeUntil('=', value);
    value = Trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (EqualsIgnoringCase(key, "version")) entry.version = value;
    if (EqualsIgnoringCase(key, "q")) {
      const std::optional<double> q = ParseQ(value);
      if (!q) return std::nullopt;
      entry.q = *q;
    }
  }
  return entry;
}

// Preference of the client for one thing: the q of the most specific matching entry.
struct Preference {
  int specificity = -1;
  double q = 0;

  void Offer(int entry_specificity, double entry_q) {
    if (entry_specificity < 0 || entry_specificity < specificity) return;
    q = entry_specificity > specificity ? entry_q : std::max(q, entry_q);
    specificity = entry_specificity;
  }
};

// Returns how exactly an entry names a media type: 3 with its version, 0 by a wildcard, -1 not at
// all.
int Specificity(const AcceptEntry& entry, std::string_view media_type, std::string_view version) {
  if (entry.name == "*/*") return 0;
  const std::string_view group = media_type.substr(0, media_type.find('/') + 1);
  if (EqualsIgnoringCase(entry.name, fmt::format("{}*", group))) return 1;
  if (!EqualsIgnoringCase(entry.name, media_type)) return -1;
  if (entry.version.empty()) return 2;
  return entry.version == version ? 3 : -1;
}

template <typename Visitor>
void ForEachAcceptEntry(std::string_view header, Visitor visit) {
  while (!header.empty()) {
    const std::optional<AcceptEntry> entry = ParseAcceptEntry(TakeUntil(',', header));
    if (entry) visit(*entry);
  }
}

}  // namespace

std::string_view ContentType(TextFormat format) {
  return format == TextFormat::kOpenMetrics100
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

TextFormat NegotiateFormat(std::string_view accept) {
  Preference open_metrics;
  Preference text;
  ForEachAcceptEntry(accept, [&](const AcceptEntry& entry) {
    open_metrics.Offer(Specificity(entry, "application/openmetrics-text", "1.0.0"), entry.q);
    text.Offer(Specificity(entry, "text/plain", "0.0.4"), entry.q);
  });
  // Prefers, at equal q, a format that is named over one matched by a wildcard, else 0.0.4.
  const bool named = open_metrics.specificity > 1 && text.specificity <= 1;
  const bool wanted = open_metrics.q > text.q || (open_metrics.q == text.q && named);
  return wanted && open_metrics.q > 0 ? TextFormat::kOpenMetrics100 : TextFormat::kPrometheus004;
}

bool AcceptsGzip(std::string_view accept_encoding) {
  Preference gzip;
  ForEachAcceptEntry(accept_encoding, [&](const AcceptEntry& entry) {
    const bool named =
        EqualsIgnoringCase(entry.name, "gzip") || EqualsIgnoringCase(entry.name, "x-gzip");
    if (named || entry.name == "*") gzip.Offer(named ? 1 : 0, entry.q);
  });
  return gzip.q > 0;
}

}  // namespace bpftally
