#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bpftally {

// A YAML document as plain data that knows where each of its parts stands.
struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;  // a quoted scalar is text, whatever it looks like
  int line = 1;
  int column = 1;
  std::string text;             // of a scalar
  std::vector<YamlNode> items;  // of a sequence; of a map: key, value, key, value, …

  // The value of a map's key; null where there is none.
  const YamlNode* Find(std::string_view key) const;
};

// "line:column: what", as every error of a YAML document starts.
std::string AtNode(const YamlNode& node, std::string_view what);

inline constexpr size_t kMaxYamlBytes = size_t{64} << 20;
inline constexpr size_t kMaxYamlDepth = 16;

// One document, strictly: valid UTF-8, keys are scalars and none comes twice, no anchors, aliases
// or tags, nothing larger or deeper than the limits.
Result<YamlNode> ParseYaml(std::string_view yaml);

}  // namespace bpftally
