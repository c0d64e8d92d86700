#include "export/otlp/otlp_names.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace bpftally {
namespace {

using Words = std::pair<std::string_view, std::string_view>;

// Units and their words in names, as the translation to Prometheus has them.
constexpr std::array kUnitWords = {
    Words("d", "days"),         Words("h", "hours"),         Words("min", "minutes"),
    Words("s", "seconds"),      Words("ms", "milliseconds"), Words("us", "microseconds"),
    Words("ns", "nanoseconds"), Words("By", "bytes"),        Words("KiBy", "kibibytes"),
    Words("MiBy", "mebibytes"), Words("GiBy", "gibibytes"),  Words("TiBy", "tibibytes"),
    Words("KBy", "kilobytes"),  Words("MBy", "megabytes"),   Words("GBy", "gigabytes"),
    Words("TBy", "terabytes"),  Words("m", "meters"),        Words("V", "volts"),
    Words("A", "amperes"),      Words("J", "joules"),        Words("W", "watts"),
    Words("g", "grams"),        Words("Cel", "celsius"),     Words("Hz", "hertz"),
};

// Returns the word that the translation appends for the unit; empty if unknown.
std::optional<std::string_view> WordOf(const FamilySpec& spec) {
  const std::string_view unit = spec.unit;
  if (unit.empty() || (unit.starts_with('{') && unit.find('}') == unit.size() - 1)) return "";
  if (unit == "1") return spec.type == MetricType::kGauge ? "ratio" : "";
  const auto* const found = std::ranges::find(kUnitWords, unit, &Words::first);
  if (found == kUnitWords.end()) return std::nullopt;
  return found->second;
}

// Takes "_word" off the end of the name.
bool StripWord(std::string& name, std::string_view word) {
  const size_t at = name.size() - std::min(name.size(), word.size() + 1);
  if (at == 0 || name[at] != '_' || !name.ends_with(word)) return false;
  name.resize(at);
  return true;
}

bool HasWord(std::string_view name, std::string_view word) {
  const auto is_edge = [&](size_t at) { return at >= name.size() || name[at] == '_'; };
  for (size_t at = name.find(word); at != std::string_view::npos; at = name.find(word, at + 1)) {
    if ((at == 0 || name[at - 1] == '_') && is_edge(at + word.size())) return true;
  }
  return false;
}

}  // namespace

OtlpName NameForOtlp(const FamilySpec& spec) {
  OtlpName otlp{.name = spec.name, .unit = {}};
  otlp.monotonic = spec.type == MetricType::kCounter && StripWord(otlp.name, "total");
  const std::optional<std::string_view> word = WordOf(spec);
  if (!word) return otlp;
  if (word->empty()) {
    otlp.unit = spec.unit;
    return otlp;
  }
  // Translators omit the word if the name has it already: some look at its end, some anywhere.
  std::string stripped = otlp.name;
  if (StripWord(stripped, *word) && !HasWord(stripped, *word)) {
    otlp.name = std::move(stripped);
    otlp.unit = spec.unit;
  }
  return otlp;
}

}  // namespace bpftally
