#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace bpftally {

struct NumberName {
  uint64_t number = 0;
  std::string_view name;
};

// Returns nothing where the number has no name. `table` is sorted by number.
constexpr std::string_view FindName(std::span<const NumberName> table, uint64_t number) {
  const auto found = std::ranges::lower_bound(table, number, {}, &NumberName::number);
  return found == table.end() || found->number != number ? std::string_view() : found->name;
}

}  // namespace bpftally
