#pragma once

#include <cstddef>
#include <expected>
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
inline constexpr size_t kMaxYamlAliasBytes = size_t{16} << 20;  // what all aliases may stand for

enum class YamlRules {
  kStrict,  // keys are scalars and none comes twice, no anchors, aliases or tags, one document
  // As Go's YAML reads into structs that need not have all keys: aliases stand for a copy of what
  // they name, keys may come twice, the second document is not looked at. `<<` stays a key.
  kLenient,
};

struct YamlFault {
  int line = 1;
  int column = 1;
  std::string what;
};

// Valid UTF-8, nothing larger or deeper than the limits.
std::expected<YamlNode, YamlFault> ParseYaml(std::string_view yaml, YamlRules rules);

// Strictly, with the place in the message.
Result<YamlNode> ParseYaml(std::string_view yaml);

}  // namespace bpftally
