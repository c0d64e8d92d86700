#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bpftally {

// A YAML document as plain data that knows the position of each of its parts.
struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;  // a quoted scalar is always text
  int line = 1;
  int column = 1;
  std::string text;             // for a scalar
  std::vector<YamlNode> items;  // for a sequence; for a map: key, value, key, value, …

  // Returns the value of a map's key, or null if there is none.
  const YamlNode* Find(std::string_view key) const;
};

// Formats "line:column: what", as every error in a YAML document starts.
std::string AtNode(const YamlNode& node, std::string_view what);

inline constexpr size_t kMaxYamlBytes = size_t{64} << 20;
inline constexpr size_t kMaxYamlDepth = 16;
inline constexpr size_t kMaxYamlAliasBytes = size_t{16} << 20;  // all aliases together

enum class YamlRules {
  kStrict,  // keys are unique scalars; no anchors, aliases or tags; one document
  // Accepts what Go's YAML accepts when it reads structs: aliases copy what they name, keys may
  // repeat, and a second document is ignored. `<<` stays a key.
  kLenient,
};

struct YamlFault {
  int line = 1;
  int column = 1;
  std::string what;
};

// Parses valid UTF-8 that is within the limits of size and depth.
std::expected<YamlNode, YamlFault> ParseYaml(std::string_view yaml, YamlRules rules);

// Parses with the strict rules and puts the position into the message.
Result<YamlNode> ParseYaml(std::string_view yaml);

}  // namespace bpftally
