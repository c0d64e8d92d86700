#include "yaml/lenient_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <set>

#include "base/duration.h"
#include "base/suggest.h"
#include "yaml/numbers.h"

namespace bpftally {
namespace {

using Kind = YamlNode::Kind;

constexpr size_t kMaxWarnings = 100;  // bounds the memory for a file full of mistakes
constexpr size_t kMaxErrors = 100;
constexpr size_t kMaxKey = 60;  // longer words are no misspellings

std::string Describe(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kSequence:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kScalar:
      break;
  }
  return Quoted(node.text) + (node.quoted ? " in quotes" : "");
}

bool IsMergeKey(const YamlNode& key) {
  return key.kind == Kind::kScalar && !key.quoted && key.text == "<<";
}

}  // namespace

void YamlReader::Read(const YamlNode& node, std::string& out) {
  if (node.kind == Kind::kSequence || node.kind == Kind::kMap) return Mistake(node, "a text");
  out = node.text;
}

void YamlReader::Read(const YamlNode& node, uint64_t& out) {
  out = 0;
  if (node.kind == Kind::kNull) return;
  const std::optional<YamlNumber> number = ParseYamlNumber(node);
  const std::optional<uint64_t> value = number ? ToUnsigned(*number) : std::nullopt;
  if (!value) return Mistake(node, "a whole number, 0 or more, without quotes");
  out = *value;
}

void YamlReader::Read(const YamlNode& node, int64_t& out) {
  out = 0;
  if (node.kind == Kind::kNull) return;
  const std::optional<YamlNumber> number = ParseYamlNumber(node);
  const std::optional<int64_t> value = number ? ToInteger(*number) : std::nullopt;
  if (!value) return Mistake(node, "a whole number without quotes");
  out = *value;
}

void YamlReader::Read(const YamlNode& node, double& out) {
  out = 0;
  if (node.kind == Kind::kNull) return;
  const std::optional<YamlNumber> number = ParseYamlNumber(node);
  if (!number) return Mistake(node, "a number without quotes");
  out = ToDouble(*number);
}

void YamlReader::Read(const YamlNode& node, bool& out) {
  out = false;
  if (node.kind == Kind::kNull) return;
  const std::optional<bool> value = ParseYamlBool(node);
  if (!value) return Mistake(node, "true or false");
  out = *value;
}

void YamlReader::Read(const YamlNode& node, std::chrono::nanoseconds& out) {
  out = {};
  if (node.kind == Kind::kNull) return;
  if (const std::optional<YamlNumber> number = ParseYamlNumber(node)) {
    const std::optional<int64_t> value = ToInteger(*number);
    if (!value || *value < 0) return Mistake(node, "a duration such as 10m or 1h30m");
    out = std::chrono::nanoseconds(*value);  // Go's durations are whole nanoseconds
    return;
  }
  const Result<std::chrono::nanoseconds> value = ParseDuration(node.text);
  if (!value) return Mistake(node, "a duration such as 10m or 1h30m");
  out = *value;
}

void YamlReader::Read(const YamlNode& node, std::vector<std::pair<std::string, std::string>>& out) {
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < out.size(); ++i) places.emplace(out[i].first, i);
  ForEachKey(node, [&](const YamlNode& key, const YamlNode& value) {
    const auto [place, added] = places.emplace(key.text, out.size());
    if (added) out.emplace_back(key.text, "");
    Read(value, out[place->second].second);
  });
}

void YamlReader::ForEachKey(const YamlNode& map, const KeyReader& read) {
  if (map.kind == Kind::kNull) return;
  if (map.kind != Kind::kMap) return Mistake(map, "a map");
  std::set<std::string_view> seen;
  for (size_t i = 0; i + 1 < map.items.size(); i += 2) {
    const YamlNode& key = map.items[i];
    if (IsMergeKey(key)) {
      Merge(map.items[i + 1], read);
      continue;
    }
    if (!seen.insert(key.text).second) {
      Add(Finding::Severity::kWarning, key,
          fmt::format("a second {} in one map: the last one counts", Quoted(key.text)));
    }
    read(key, map.items[i + 1]);
  }
}

void YamlReader::Merge(const YamlNode& merged, const KeyReader& read) {
  if (merged.kind == Kind::kMap) return ForEachKey(merged, read);
  if (merged.kind != Kind::kSequence)
    return Add(Finding::Severity::kError, merged,
               fmt::format("<< names {}, expected a map or a list of maps", Describe(merged)));
  // In a list of maps the first one wins, so it is read last.
  for (const YamlNode& item : std::views::reverse(merged.items)) ForEachKey(item, read);
}

void YamlReader::Unknown(const YamlNode& key, const std::vector<std::string_view>& known) {
  Add(Finding::Severity::kWarning, key,
      fmt::format("unknown key {} is ignored{}", Quoted(key.text),
                  key.text.size() < kMaxKey ? DidYouMean(key.text, known) : ""));
}

void YamlReader::Mistake(const YamlNode& node, std::string_view expected) {
  Add(Finding::Severity::kError, node,
      fmt::format("{} is {}, expected {}", key_, Describe(node), expected));
}

void YamlReader::Add(Finding::Severity severity, const YamlNode& node, std::string message) {
  const ConfigPosition at{node.line, node.column};
  // An alias repeats the findings of the node that it stands for.
  const auto same = [&](const Finding& f) { return f.at == at && f.message == message; };
  if (std::ranges::any_of(findings_, same)) return;
  const bool warning = severity == Finding::Severity::kWarning;
  if (findings_.size() >= kMaxWarnings + (warning ? 0 : kMaxErrors)) return;
  findings_.push_back({severity, file_, at, std::move(message)});
}

}  // namespace bpftally
