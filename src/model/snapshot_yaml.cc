#include "model/snapshot_yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <limits>
#include <set>
#include <span>
#include <type_traits>
#include <utility>

#include "base/suggest.h"
#include "base/utf8.h"
#include "model/snapshot_fields.h"
#include "yaml/tree.h"

namespace bpftally {
namespace {

// Enums, by name.

constexpr std::array kSources = {Source::kNone, Source::kIterator, Source::kSyscall};
constexpr std::array kErrorKinds = {ErrorKind::kPermission,  ErrorKind::kVanished,
                                    ErrorKind::kUnsupported, ErrorKind::kExhausted,
                                    ErrorKind::kInvalid,     ErrorKind::kInternal};

constexpr std::span<const Source> Values(Source) { return kSources; }
constexpr std::span<const ErrorKind> Values(ErrorKind) { return kErrorKinds; }
std::string_view Name(Source source) { return SourceName(source); }
std::string_view Name(ErrorKind kind) { return ErrorKindName(kind); }

template <typename T>
concept Enum = std::is_enum_v<T>;

// Writing.

// The code point at the front of valid UTF-8, taken off it.
uint32_t TakeCodePoint(std::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  uint32_t code = length == 1 ? lead : lead & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) code = (code << 6) | (byte(i) & 0x3FU);
  text.remove_prefix(length);
  return code;
}

std::string Quoted(std::string_view bytes) {
  const std::string valid = ToValidUtf8(bytes);
  std::string out = "\"";
  for (std::string_view text = valid; !text.empty();) {
    const uint32_t code = TakeCodePoint(text);
    if (code == '"' || code == '\\') out += '\\';
    if (code >= 0x20 && code < 0x7F) {
      out += static_cast<char>(code);
    } else {
      out += code > 0xFFFF ? fmt::format("\\U{:08x}", code) : fmt::format("\\u{:04x}", code);
    }
  }
  return out + '"';
}

class Writer {
 public:
  explicit Writer(std::string& out, size_t indent = 0, bool in_list = false)
      : out_(out), indent_(indent), starts_item_(in_list) {}

  void Id(uint32_t id) { (*this)("id", id); }

  void Type(uint32_t type, std::string_view (*name)(uint32_t)) {
    Key("type");
    fmt::format_to(std::back_inserter(out_), " {}  # {}\n", type, name(type));
  }

  template <typename T>
  void operator()(std::string_view key, const std::optional<T>& value) {
    if (value) (*this)(key, *value);
  }

  template <typename T>
  void operator()(std::string_view key, const T& value) {
    Key(key);
    Value(value);
  }

 private:
  void Key(std::string_view key) {
    out_.append(indent_, ' ');
    if (std::exchange(starts_item_, false)) out_.replace(out_.size() - 2, 2, "- ");
    out_.append(key).append(":");
  }

  void Line(std::string_view value) { out_.append(" ").append(value).append("\n"); }

  void Value(const std::string& value) { Line(Quoted(value)); }
  void Value(bool value) { Line(value ? "true" : "false"); }
  void Value(std::integral auto value) { Line(std::to_string(value)); }
  void Value(Enum auto value) { Line(Name(value)); }
  void Value(const Tag& tag) { Line(fmt::format("\"{:02x}\"", fmt::join(tag, ""))); }
  void Value(const std::vector<uint32_t>& ids) { Line(fmt::format("[{}]", fmt::join(ids, ", "))); }

  template <typename Struct>
  void Value(const std::vector<Struct>& items) {
    if (items.empty()) return Line("[]");
    out_ += '\n';
    for (const Struct& item : items) {
      Writer writer(out_, indent_ + 4, true);
      Fields(writer, item);
    }
  }

  template <typename Struct>
    requires std::is_class_v<Struct>
  void Value(const Struct& value) {
    out_ += '\n';
    Writer writer(out_, indent_ + 2);
    Fields(writer, value);
  }

  std::string& out_;
  size_t indent_;
  bool starts_item_;
};

// Reading.

class Problems {
 public:
  void Add(const YamlNode& at, std::string_view what) {
    if (lines_.size() < kMax) lines_.push_back(AtNode(at, what));
  }
  void Expected(const YamlNode& at, std::string_view expected) {
    const bool scalar = at.kind == YamlNode::Kind::kScalar;
    const std::string what = scalar ? fmt::format("\"{}\"", at.text.substr(0, kMaxQuoted))
                                    : std::string(KindName(at.kind));
    Add(at, fmt::format("{}, expected {}", what, expected));
  }
  bool Any() const { return !lines_.empty(); }
  Error ToError() const {
    return {ErrorKind::kInvalid, 0, fmt::format("{}", fmt::join(lines_, "\n"))};
  }

 private:
  static constexpr size_t kMax = 20;
  static constexpr size_t kMaxQuoted = 64;

  static std::string_view KindName(YamlNode::Kind kind) {
    if (kind == YamlNode::Kind::kSequence) return "a list";
    return kind == YamlNode::Kind::kMap ? "a map" : "nothing";
  }

  std::vector<std::string> lines_;
};

bool IsWord(const YamlNode& node) { return node.kind == YamlNode::Kind::kScalar && !node.quoted; }

template <std::integral T>
void Read(const YamlNode& node, T& value, Problems& problems) {
  const char* const end = node.text.data() + node.text.size();
  const auto parsed = std::from_chars(node.text.data(), end, value);
  if (!IsWord(node) || parsed.ec != std::errc() || parsed.ptr != end) {
    using Limits = std::numeric_limits<T>;
    problems.Expected(node,
                      fmt::format("a whole number from {} to {}", Limits::min(), Limits::max()));
  }
}

void Read(const YamlNode& node, bool& value, Problems& problems) {
  value = node.text == "true";
  if (!IsWord(node) || (!value && node.text != "false")) problems.Expected(node, "true or false");
}

void Read(const YamlNode& node, std::string& value, Problems& problems) {
  value = node.text;
  if (node.kind != YamlNode::Kind::kScalar) problems.Expected(node, "text");
}

void Read(const YamlNode& node, Tag& tag, Problems& problems) {
  const std::string& text = node.text;
  bool valid = text.size() == 2 * tag.size();
  for (size_t i = 0; valid && i < tag.size(); ++i) {
    const char* const end = text.data() + 2 * i + 2;
    valid = std::from_chars(end - 2, end, tag[i], 16).ptr == end;
  }
  if (!valid) problems.Expected(node, "16 hexadecimal digits");
}

template <Enum T>
void Read(const YamlNode& node, T& value, Problems& problems) {
  std::vector<std::string_view> names;
  for (const T candidate : Values(value)) {
    names.push_back(Name(candidate));
    if (names.back() == node.text) {
      value = candidate;
      return;
    }
  }
  problems.Expected(
      node, fmt::format("one of {}{}", fmt::join(names, ", "), DidYouMean(node.text, names)));
}

template <typename T>
void Read(const YamlNode& node, std::optional<T>& value, Problems& problems) {
  Read(node, value.emplace(), problems);
}

template <typename T>
void Read(const YamlNode& node, std::vector<T>& values, Problems& problems) {
  if (node.kind != YamlNode::Kind::kSequence) return problems.Expected(node, "a list");
  values.reserve(node.items.size());
  for (const YamlNode& item : node.items) Read(item, values.emplace_back(), problems);
}

class Reader {
 public:
  Reader(const YamlNode& map, Problems& problems) : map_(map), problems_(problems) {}

  void Id(uint32_t& id) { Required("id", id); }
  void Type(uint32_t& type, std::string_view (*)(uint32_t)) { Required("type", type); }

  template <typename T>
  bool operator()(std::string_view key, T& value) {
    keys_.push_back(key);
    const YamlNode* const node = map_.Find(key);
    if (node != nullptr) Read(*node, value, problems_);
    return node != nullptr;
  }

  // Once every field was visited.
  void CheckKeys() const {
    for (size_t i = 0; i < map_.items.size(); i += 2) {
      const YamlNode& key = map_.items[i];
      if (std::ranges::find(keys_, key.text) == keys_.end())
        problems_.Add(key, fmt::format("unknown key \"{}\"{}", key.text.substr(0, 64),
                                       DidYouMean(key.text, keys_)));
    }
  }

 private:
  void Required(std::string_view key, uint32_t& value) {
    if (!(*this)(key, value)) problems_.Add(map_, fmt::format("a map without \"{}\"", key));
  }

  const YamlNode& map_;
  Problems& problems_;
  std::vector<std::string_view> keys_;
};

template <typename Struct>
  requires std::is_class_v<Struct>
void Read(const YamlNode& node, Struct& value, Problems& problems) {
  if (node.kind != YamlNode::Kind::kMap) return problems.Expected(node, "a map");
  Reader reader(node, problems);
  Fields(reader, value);
  reader.CheckKeys();
}

template <typename Info>
void CheckOrder(const YamlNode* list, const std::vector<Info>& objects, Problems& problems) {
  uint32_t previous = 0;
  for (size_t i = 0; i < objects.size(); ++i) {
    const uint32_t id = objects[i].id;
    if (id <= previous)
      problems.Add(list->items[i], fmt::format("id {}, expected one above {}: by ascending id, "
                                               "no id twice",
                                               id, previous));
    previous = id;
  }
}

void CheckFeatures(const YamlNode* list, const std::vector<Feature>& features, Problems& problems) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (size_t i = 0; i < features.size(); ++i) {
    if (!seen.emplace(features[i].name, features[i].source).second)
      problems.Add(list->items[i], fmt::format("feature \"{}\" by source \"{}\" a second time",
                                               features[i].name, features[i].source));
  }
}

}  // namespace

std::string SnapshotToYaml(const Snapshot& snapshot) {
  std::string out;
  Writer writer(out);
  Fields(writer, snapshot);
  return out;
}

Result<Snapshot> SnapshotFromYaml(std::string_view yaml) {
  const Result<YamlNode> tree = ParseYaml(yaml);
  if (!tree) return std::unexpected(tree.error());
  Snapshot snapshot;
  Problems problems;
  Read(*tree, snapshot, problems);
  if (!problems.Any()) {
    CheckFeatures(tree->Find("features"), snapshot.features, problems);
    CheckOrder(tree->Find("programs"), snapshot.programs, problems);
    CheckOrder(tree->Find("maps"), snapshot.maps, problems);
    CheckOrder(tree->Find("links"), snapshot.links, problems);
    CheckOrder(tree->Find("btf"), snapshot.btf, problems);
  }
  if (problems.Any()) return std::unexpected(problems.ToError());
  return snapshot;
}

}  // namespace bpftally
