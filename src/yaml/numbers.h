#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "yaml/tree.h"

namespace bpftally {

using YamlNumber = std::variant<int64_t, uint64_t, double>;

// A plain scalar as YAML 1.1 has numbers: 8, 010 (octal), 0x4, 0b11, 0o17, 2_0, -1, 1_0e-1, .5,
// .inf; whole ones that int64_t does not hold are uint64_t, larger ones double. Empty for
// everything else.
std::optional<YamlNumber> ParseYamlNumber(const YamlNode& node);

// As whole numbers they lose what follows the point, toward zero. Empty where it does not fit.
std::optional<int64_t> ToInteger(const YamlNumber& number);
std::optional<uint64_t> ToUnsigned(const YamlNumber& number);
double ToDouble(const YamlNumber& number);

// true, yes, on, y and their opposites.
std::optional<bool> ParseYamlBool(const YamlNode& node);

}  // namespace bpftally
