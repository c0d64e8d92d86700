#include "export/prometheus/text_number.h"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace bpftally {
namespace {

std::string_view NotFinite(double value) {
  if (std::isnan(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}

}  // namespace

char* FormatNumber(char* room, double value) {
  constexpr double kSmallestFixed = 1e-4;
  constexpr double kSmallestScientific = 1e6;
  const double magnitude = std::abs(value);
  if (magnitude < kSmallestScientific) {  // fast path for most counters
    const auto whole = static_cast<int32_t>(value);
    if (whole == value && (whole != 0 || !std::signbit(value)))
      return std::to_chars(room, room + kNumberBytes, whole).ptr;
  }
  if (!std::isfinite(value)) {
    const std::string_view text = NotFinite(value);
    return room + text.copy(room, text.size());
  }
  const bool fixed =
      magnitude == 0 || (magnitude >= kSmallestFixed && magnitude < kSmallestScientific);
  return std::to_chars(room, room + kNumberBytes, value,
                       fixed ? std::chars_format::fixed : std::chars_format::scientific)
      .ptr;
}

std::string_view BoundText::Format(double bound, TextFormat format) {
  char* end = FormatNumber(text_, bound);
  if (format == TextFormat::kOpenMetrics100 && std::isfinite(bound) &&
      std::string_view(text_, end).find_first_of(".e") == std::string_view::npos) {
    *end++ = '.';
    *end++ = '0';
  }
  return {text_, end};
}

}  // namespace bpftally
