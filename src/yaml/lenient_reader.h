#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/finding.h"
#include "yaml/tree.h"

namespace bpftally {

// Reads a lenient YAML tree into structs with the rules of Go's YAML: absent keys keep the default,
// null gives zero, unknown and repeated keys cause a warning, the last of repeated keys counts, and
// `<<` reads other maps first. A struct is described by `Fields(field, struct)`, found by
// argument-dependent lookup, which calls field("key", member) for each of its keys. A member named
// `at` gets the struct's position.
class YamlReader {
 public:
  YamlReader(std::string file, Findings& findings) : file_(std::move(file)), findings_(findings) {}

  void Read(const YamlNode& node, std::string& out);
  void Read(const YamlNode& node, uint64_t& out);
  void Read(const YamlNode& node, int64_t& out);
  void Read(const YamlNode& node, double& out);
  void Read(const YamlNode& node, bool& out);
  void Read(const YamlNode& node, std::chrono::nanoseconds& out);
  // Reads a map of text to text, in the order of the file, with unique keys.
  void Read(const YamlNode& node, std::vector<std::pair<std::string, std::string>>& out);

  template <typename T>
  void Read(const YamlNode& node, std::optional<T>& out) {
    if (node.kind == YamlNode::Kind::kNull) {
      out.reset();
    } else {
      Read(node, out ? *out : out.emplace());
    }
  }

  template <typename T>
  void Read(const YamlNode& node, std::vector<T>& out) {
    out.clear();
    if (node.kind == YamlNode::Kind::kNull) return;
    if (node.kind != YamlNode::Kind::kSequence) return Mistake(node, "a list");
    for (const YamlNode& item : node.items) Read(item, out.emplace_back());
  }

  template <typename Struct>
    requires std::is_class_v<Struct>
  void Read(const YamlNode& node, Struct& out) {
    if (node.kind == YamlNode::Kind::kNull) out = Struct{};
    if constexpr (requires { out.at; }) out.at = {node.line, node.column};
    ForEachKey(node, [&](const YamlNode& key, const YamlNode& value) {
      Field field(*this, key.text, value);
      Fields(field, out);
      if (!field.found()) Unknown(key, field.names());
    });
  }

  void Add(Finding::Severity severity, const YamlNode& node, std::string message);

 private:
  class Field {
   public:
    Field(YamlReader& reader, std::string_view key, const YamlNode& value)
        : reader_(reader), key_(key), value_(value) {}

    template <typename T>
    void operator()(std::string_view name, T& out) {
      names_.push_back(name);
      if (name != key_) return;
      found_ = true;
      const std::string_view outer = std::exchange(reader_.key_, name);
      reader_.Read(value_, out);
      reader_.key_ = outer;
    }

    bool found() const { return found_; }
    const std::vector<std::string_view>& names() const { return names_; }

   private:
    YamlReader& reader_;
    std::string_view key_;
    const YamlNode& value_;
    bool found_ = false;
    std::vector<std::string_view> names_;
  };

  using KeyReader = std::function<void(const YamlNode& key, const YamlNode& value)>;
  void ForEachKey(const YamlNode& map, const KeyReader& read);
  void Merge(const YamlNode& merged, const KeyReader& read);

  void Unknown(const YamlNode& key, const std::vector<std::string_view>& known);
  void Mistake(const YamlNode& node, std::string_view expected);

  std::string file_;
  Findings& findings_;
  std::string_view key_ = "the file";  // key of the value being read, for messages
};

}  // namespace bpftally
