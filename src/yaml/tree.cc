#include "yaml/tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "base/utf8.h"

namespace bpftally {
namespace {

using Kind = YamlNode::Kind;

YAML::Mark MarkOf(const YamlNode& node) {
  YAML::Mark mark;
  mark.line = node.line - 1;
  mark.column = node.column - 1;
  return mark;
}

// Size of a node with all its descendants.
struct Extent {
  size_t bytes = 0;
  size_t depth = 0;
};

Extent Measure(const YamlNode& node) {
  Extent extent{.bytes = sizeof(YamlNode) + node.text.size()};
  for (const YamlNode& item : node.items) {
    const Extent inner = Measure(item);
    extent.bytes += inner.bytes;
    extent.depth = std::max(extent.depth, inner.depth);
  }
  if (node.kind == Kind::kSequence || node.kind == Kind::kMap) ++extent.depth;
  return extent;
}

// Builds the tree from the parser's events. Throws the parser's exception for what it refuses,
// which also ends the parser's recursion.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(YamlRules rules) : lenient_(rules == YamlRules::kLenient) {}

  YamlNode Take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Put(Node(Kind::kNull, mark), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (!lenient_) Refuse(mark, "an alias");
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) Refuse(mark, "an alias inside what it stands for");
    const auto& [node, extent] = found->second;
    alias_bytes_ += extent.bytes;
    if (alias_bytes_ > kMaxYamlAliasBytes)
      Refuse(mark, fmt::format("more than {} bytes of aliases", kMaxYamlAliasBytes));
    CheckDepth(mark, extent.depth);
    Put(node, YAML::NullAnchor);
  }

  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    if (!lenient_) Refuse(mark, "an anchor");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = Node(Kind::kScalar, mark, tag);
    node.quoted = tag != kPlain && !NamesPlainType(tag);
    node.text = value;
    Put(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Node(Kind::kSequence, mark, tag), anchor);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Node(Kind::kMap, mark, tag), anchor);
  }
  void OnMapEnd() override {
    CheckKeys(open_.back().node);
    Close();
  }

 private:
  struct OpenNode {
    YamlNode node;
    YAML::anchor_t anchor = YAML::NullAnchor;
  };

  // Tags that the parser reports when the document has none.
  static constexpr std::string_view kPlain = "?";
  static constexpr std::string_view kQuoted = "!";

  [[noreturn]] static void Refuse(const YAML::Mark& mark, const std::string& what) {
    throw YAML::ParserException(mark, what + " is not allowed here");
  }

  // Tells whether a tag lets a scalar be anything but text.
  static bool NamesPlainType(std::string_view tag) {
    constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
    if (!tag.starts_with(kPrefix)) return false;
    tag.remove_prefix(kPrefix.size());
    return tag == "int" || tag == "float" || tag == "bool";
  }

  YamlNode Node(Kind kind, const YAML::Mark& mark, std::string_view tag = kPlain) const {
    if (!lenient_ && !tag.empty() && tag != kPlain && tag != kQuoted) Refuse(mark, "a tag");
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void CheckKeys(const YamlNode& map) const {
    std::set<std::string_view> keys;
    for (size_t i = 0; i < map.items.size(); i += 2) {
      const YamlNode& key = map.items[i];
      if (lenient_ && key.kind == Kind::kNull) continue;
      if (key.kind != Kind::kScalar) Refuse(MarkOf(key), "a key that is not a word");
      if (!lenient_ && !keys.insert(key.text).second)
        Refuse(MarkOf(key), fmt::format("a second \"{}\" in one map", key.text));
    }
  }

  void CheckDepth(const YAML::Mark& mark, size_t more) const {
    if (open_.size() + more > kMaxYamlDepth)
      Refuse(mark, fmt::format("nesting deeper than {}", kMaxYamlDepth));
  }

  void Open(YamlNode node, YAML::anchor_t anchor) {
    CheckDepth(MarkOf(node), 1);
    open_.push_back({std::move(node), anchor});
  }

  void Close() {
    OpenNode closed = std::move(open_.back());
    open_.pop_back();
    Put(std::move(closed.node), closed.anchor);
  }

  void Put(YamlNode node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) Remember(anchor, node);
    if (open_.empty()) {
      root_ = std::move(node);
    } else {
      open_.back().node.items.push_back(std::move(node));
    }
  }

  // Keeps a copy of an anchor's node; it counts toward the limit like an alias.
  void Remember(YAML::anchor_t anchor, const YamlNode& node) {
    const Extent extent = Measure(node);
    alias_bytes_ += extent.bytes;
    if (alias_bytes_ > kMaxYamlAliasBytes)
      Refuse(MarkOf(node), fmt::format("more than {} bytes of anchors", kMaxYamlAliasBytes));
    anchors_.emplace(anchor, std::pair(node, extent));
  }

  bool lenient_;
  YamlNode root_;
  std::vector<OpenNode> open_;
  std::map<YAML::anchor_t, std::pair<YamlNode, Extent>> anchors_;
  size_t alias_bytes_ = 0;
};

YamlFault FaultAt(const YAML::Mark& mark, std::string what) {
  return {.line = mark.line + 1, .column = mark.column + 1, .what = std::move(what)};
}

YamlNode Parse(std::string_view yaml, YamlRules rules) {
  std::istringstream stream{std::string(yaml)};
  YAML::Parser parser(stream);
  TreeBuilder builder(rules);
  if (!parser.HandleNextDocument(builder)) return YamlNode{};
  YamlNode root = builder.Take();
  if (rules == YamlRules::kLenient) return root;
  if (TreeBuilder more(rules); parser.HandleNextDocument(more))
    throw YAML::ParserException(MarkOf(more.Take()), "a second document, expected one");
  return root;
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  if (kind != Kind::kMap) return nullptr;
  for (size_t i = 0; i < items.size(); i += 2) {
    if (items[i].text == key) return &items[i + 1];
  }
  return nullptr;
}

std::string AtNode(const YamlNode& node, std::string_view what) {
  return fmt::format("{}:{}: {}", node.line, node.column, what);
}

std::expected<YamlNode, YamlFault> ParseYaml(std::string_view yaml, YamlRules rules) {
  const auto fault = [](std::string what) {
    return std::unexpected(YamlFault{.what = std::move(what)});
  };
  if (yaml.size() > kMaxYamlBytes)
    return fault(fmt::format("{} bytes, expected at most {}", yaml.size(), kMaxYamlBytes));
  if (!IsValidUtf8(yaml)) return fault("not UTF-8");
  try {
    return Parse(yaml, rules);
  } catch (const YAML::Exception& exception) {
    return std::unexpected(FaultAt(exception.mark, exception.msg));
  } catch (const std::exception& exception) {
    return fault(exception.what());
  }
}

Result<YamlNode> ParseYaml(std::string_view yaml) {
  auto root = ParseYaml(yaml, YamlRules::kStrict);
  if (root) return *std::move(root);
  const YamlFault& fault = root.error();
  return std::unexpected(Error{ErrorKind::kInvalid, 0,
                               fmt::format("{}:{}: {}", fault.line, fault.column, fault.what)});
}

}  // namespace bpftally
