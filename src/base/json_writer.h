#pragma once

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>

namespace bpftally {

// Writes JSON on one line, value after value; commas come by themselves. The caller opens and
// closes in pairs, and gives each member of an object its key.
class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginList() { return Open('['); }
  JsonWriter& EndList() { return Close(']'); }

  // Of the member whose value comes next.
  JsonWriter& Key(std::string_view name);

  JsonWriter& Value(std::string_view text);  // made valid UTF-8
  JsonWriter& Value(const char* text) { return Value(std::string_view(text)); }
  JsonWriter& Value(std::same_as<bool> auto value) { return Raw(value ? "true" : "false"); }
  JsonWriter& Value(std::integral auto value)
    requires(!std::same_as<decltype(value), bool>)
  {
    return Raw(fmt::to_string(value));
  }

  JsonWriter& Member(std::string_view name, const auto& value) { return Key(name).Value(value); }

  const std::string& text() const { return text_; }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  JsonWriter& Raw(std::string_view json);
  void Separate();
  void Quote(std::string_view text);

  std::string text_;
  bool needs_comma_ = false;  // before the next value or key
};

}  // namespace bpftally
