#include "config/finding.h"

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
  std::string shown = ToValidUtf8(word.substr(0, kMaxShown));
  std::ranges::replace_if(shown, [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; }, '?');
  return fmt::format("\"{}{}\"", shown, word.size() > kMaxShown ? "…" : "");
}

std::string Place(std::string_view file, ConfigPosition at) {
  if (at.line == 0) return std::string(file);
  return fmt::format("{}{}{}:{}", file, file.empty() ? "" : ":", at.line, at.column);
}

std::string ToString(const Finding& finding) {
  const std::string place = Place(finding.file, finding.at);
  return fmt::format("{}{}{}", place, place.empty() ? "" : ": ", finding.message);
}

}  // namespace bpftally
