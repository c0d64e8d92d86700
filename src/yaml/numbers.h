#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "yaml/tree.h"

namespace bpftally {

using YamlNumber = std::variant<int64_t, uint64_t, double>;

// Parses a plain scalar by the rules of YAML 1.1 for numbers: 8, 010 (octal), 0x4, 0b11, 0o17, 2_0,
// -1, 1_0e-1, .5, .inf. Integers beyond int64_t become uint64_t, larger ones double. Empty for
// everything else.
std::optional<YamlNumber> ParseYamlNumber(const YamlNode& node);

// Convert to an integer by truncation toward zero. Empty if the result does not fit.
std::optional<int64_t> ToInteger(const YamlNumber& number);
std::optional<uint64_t> ToUnsigned(const YamlNumber& number);
double ToDouble(const YamlNumber& number);

// Parses true, yes, on, y and their opposites.
std::optional<bool> ParseYamlBool(const YamlNode& node);

}  // namespace bpftally
