#include "settings/option_values.h"

#include "base/duration.h"

namespace bpftally {

Result<void> SetSwitch(bool& field, const std::string& value) {
  return SetChoice<bool>(field, value, {{"true", true}, {"false", false}});
}

Result<void> SetDuration(std::chrono::nanoseconds& field, const std::string& value) {
  const auto duration = ParseDuration(value);
  if (!duration) return std::unexpected(duration.error());
  field = *duration;
  return {};
}

Result<void> SetText(std::string& field, const std::string& value, const char* what) {
  if (value.empty()) return InvalidOption(fmt::format("{} is missing", what));
  field = value;
  return {};
}

Result<void> SetNames(std::vector<std::string>& field, const std::string& value) {
  field.clear();
  std::string_view left = value;
  while (true) {
    const size_t comma = left.find(',');
    const std::string name(left.substr(0, comma));
    if (name.empty()) return InvalidOption(fmt::format("\"{}\" has an empty name", value));
    if (std::ranges::find(field, name) != field.end())
      return InvalidOption(fmt::format("\"{}\" is there twice", name));
    field.push_back(name);
    if (comma == std::string_view::npos) return {};
    left.remove_prefix(comma + 1);
  }
}

}  // namespace bpftally
