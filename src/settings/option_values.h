#pragma once

// Reads the values of options. Each function takes the whole text or refuses it: "10x" and "1,5"
// are no numbers. An error says what was expected; the caller adds the option's name.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/suggest.h"

namespace bpftally {

inline std::unexpected<Error> InvalidOption(std::string message) {
  return std::unexpected(Error{ErrorKind::kInvalid, 0, std::move(message)});
}

template <typename T>
Result<void> SetChoice(T& field, const std::string& value,
                       std::initializer_list<std::pair<std::string_view, T>> choices) {
  std::vector<std::string_view> names;
  for (const auto& [name, meaning] : choices) {
    names.push_back(name);
    if (value == name) field = meaning;
  }
  if (std::ranges::find(names, value) != names.end()) return {};
  return InvalidOption(fmt::format("\"{}\" is none of {}{}", value, fmt::join(names, ", "),
                                   DidYouMean(value, names)));
}

// A whole number of 0 or more.
template <typename T>
Result<void> SetNumber(T& field, const std::string& value) {
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, field);
  if (error == std::errc() && stop == end) return {};
  if (error == std::errc::result_out_of_range && stop == end)
    return InvalidOption(
        fmt::format("{} is too large: at most {}", value, std::numeric_limits<T>::max()));
  return InvalidOption(fmt::format("\"{}\" is not a whole number of 0 or more", value));
}

Result<void> SetSwitch(bool& field, const std::string& value);
Result<void> SetDuration(std::chrono::nanoseconds& field, const std::string& value);

// An option that is given and empty is a mistake, not a wish for the default. `what` names what is
// missing then.
Result<void> SetText(std::string& field, const std::string& value, const char* what);

// "a,b": at least one name, none twice.
Result<void> SetNames(std::vector<std::string>& field, const std::string& value);

}  // namespace bpftally
