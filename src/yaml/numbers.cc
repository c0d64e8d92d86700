#include "yaml/numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace bpftally {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

// Removes the prefix and returns the base that it stands for.
int TakeBase(std::string_view& digits) {
  if (digits.size() < 2 || digits[0] != '0') return 10;
  constexpr std::pair<char, int> kBases[] = {{'x', 16}, {'o', 8}, {'b', 2}};
  for (const auto& [letter, base] : kBases) {
    if ((digits[1] | 0x20) != letter) continue;
    digits.remove_prefix(2);
    return base;
  }
  digits.remove_prefix(1);
  return 8;
}

std::optional<uint64_t> ParseMagnitude(std::string_view digits) {
  const int base = TakeBase(digits);
  uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [last, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc() || last != end) return std::nullopt;
  return value;
}

std::optional<YamlNumber> ParseWhole(std::string_view text) {
  const bool negative = text.starts_with('-');
  const bool has_sign = negative || text.starts_with('+');
  const std::optional<uint64_t> magnitude = ParseMagnitude(text.substr(has_sign ? 1 : 0));
  if (!magnitude) return std::nullopt;
  constexpr uint64_t kMaxInteger = std::numeric_limits<int64_t>::max();
  if (negative) {
    if (*magnitude > kMaxInteger + 1) return std::nullopt;
    return static_cast<int64_t>(uint64_t{0} - *magnitude);
  }
  if (*magnitude <= kMaxInteger) return static_cast<int64_t>(*magnitude);
  if (has_sign) return std::nullopt;
  return *magnitude;
}

std::optional<YamlNumber> ParseFraction(std::string_view text) {
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return std::nullopt;
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || last != end) return std::nullopt;
  return value;
}

std::optional<YamlNumber> ParseSpecial(std::string_view text) {
  constexpr std::string_view kInfinities[] = {".inf", ".Inf", ".INF"};
  constexpr std::string_view kNans[] = {".nan", ".NaN", ".NAN"};
  if (std::ranges::find(kNans, text) != std::end(kNans))
    return std::numeric_limits<double>::quiet_NaN();
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (std::ranges::find(kInfinities, text) == std::end(kInfinities)) return std::nullopt;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return negative ? -kInfinity : kInfinity;
}

bool IsPlain(const YamlNode& node) {
  return node.kind == YamlNode::Kind::kScalar && !node.quoted && !node.text.empty();
}

}  // namespace

std::optional<YamlNumber> ParseYamlNumber(const YamlNode& node) {
  if (!IsPlain(node)) return std::nullopt;
  if (const std::optional<YamlNumber> special = ParseSpecial(node.text)) return special;
  if (node.text.starts_with('_')) return std::nullopt;
  std::string text = node.text;
  std::erase(text, '_');
  const std::optional<YamlNumber> whole = ParseWhole(text);
  return whole ? whole : ParseFraction(text);
}

std::optional<int64_t> ToInteger(const YamlNumber& number) {
  if (const auto* value = std::get_if<int64_t>(&number)) return *value;
  const auto* value = std::get_if<double>(&number);
  if (value == nullptr || !(*value >= -kTwoTo63 && *value < kTwoTo63)) return std::nullopt;
  return static_cast<int64_t>(*value);
}

std::optional<uint64_t> ToUnsigned(const YamlNumber& number) {
  if (const auto* value = std::get_if<uint64_t>(&number)) return *value;
  if (const auto* value = std::get_if<int64_t>(&number)) {
    if (*value < 0) return std::nullopt;
    return static_cast<uint64_t>(*value);
  }
  const double value = std::get<double>(number);
  if (!(value >= 0 && value < 2 * kTwoTo63)) return std::nullopt;
  return static_cast<uint64_t>(value);
}

double ToDouble(const YamlNumber& number) {
  return std::visit([](auto value) { return static_cast<double>(value); }, number);
}

std::optional<bool> ParseYamlBool(const YamlNode& node) {
  if (!IsPlain(node)) return std::nullopt;
  constexpr std::string_view kTrue[] = {"true", "True", "TRUE", "yes", "Yes", "YES",
                                        "on",   "On",   "ON",   "y",   "Y"};
  constexpr std::string_view kFalse[] = {"false", "False", "FALSE", "no", "No", "NO",
                                         "off",   "Off",   "OFF",   "n",  "N"};
  if (std::ranges::find(kTrue, node.text) != std::end(kTrue)) return true;
  if (std::ranges::find(kFalse, node.text) != std::end(kFalse)) return false;
  return std::nullopt;
}

}  // namespace bpftally
