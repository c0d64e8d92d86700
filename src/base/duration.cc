#include "base/duration.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

namespace bpftally {
namespace {

constexpr double kLongestNanoseconds = 1e18;  // 31 years: no overflow when added to a time

// Lists "ms" before "m", since a text is matched by its beginning.
constexpr std::pair<std::string_view, double> kUnits[] = {
    {"ns", 1},   {"us", 1e3}, {"\u00b5s", 1e3}, {"\u03bcs", 1e3},
    {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},      {"h", 3600e9}};

// Removes one "<number><unit>" from the front and returns it in nanoseconds.
std::optional<double> TakePart(std::string_view& text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  for (const auto& [unit, nanoseconds] : kUnits) {
    if (!text.starts_with(unit)) continue;
    text.remove_prefix(unit.size());
    return number * nanoseconds;
  }
  return std::nullopt;
}

}  // namespace

Result<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  if (text == "0") return std::chrono::nanoseconds(0);
  double total = 0;
  bool valid = !text.empty();
  for (std::string_view rest = text; valid && !rest.empty();) {
    const std::optional<double> part = TakePart(rest);
    total += part.value_or(0);
    valid = part.has_value() && total < kLongestNanoseconds;
  }
  if (!valid) {
    return std::unexpected(
        Error{ErrorKind::kInvalid, 0,
              fmt::format("\"{}\" is not a duration such as 15s, 500ms or 1m30s", text)});
  }
  return std::chrono::nanoseconds(static_cast<int64_t>(total));
}

}  // namespace bpftally
