#include "base/finding.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace bpftally {

bool HasErrors(const Findings& findings) {
  return std::ranges::any_of(
      findings, [](const Finding& f) { return f.severity == Finding::Severity::kError; });
}

std::string Quoted(std::string_view word) {
  constexpr size_t kMaxShown = 60;
  return fmt::format("\"{}\"", ToOneLine(word, kMaxShown));
}

std::string Place(std::string_view file, ConfigPosition at) {
  if (at.line == 0) return std::string(file);
  return fmt::format("{}{}{}:{}", file, file.empty() ? "" : ":", at.line, at.column);
}

std::string ToString(const Finding& finding) {
  const std::string place = Place(finding.file, finding.at);
  return ToOneLine(fmt::format("{}{}{}", place, place.empty() ? "" : ": ", finding.message));
}

}  // namespace bpftally
