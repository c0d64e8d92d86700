#include "model/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

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

// Builds the tree from the parser's events. What it refuses it throws as the parser does, which
// also ends the parser's recursion.
class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlNode Take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { Put(Node(Kind::kNull, mark)); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { Refuse(mark, "an alias"); }

  void OnAnchor(const YAML::Mark& mark, const std::string&) override { Refuse(mark, "an anchor"); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    YamlNode node = Node(Kind::kScalar, mark, tag);
    node.quoted = tag == kQuoted;
    node.text = value;
    Put(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Open(Node(Kind::kSequence, mark, tag));
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    Open(Node(Kind::kMap, mark, tag));
  }
  void OnMapEnd() override {
    CheckKeys(open_.back());
    Close();
  }

 private:
  // What the parser gives as the tag where the document has none.
  static constexpr std::string_view kPlain = "?";
  static constexpr std::string_view kQuoted = "!";

  [[noreturn]] static void Refuse(const YAML::Mark& mark, const std::string& what) {
    throw YAML::ParserException(mark, what + " is not allowed here");
  }

  static YamlNode Node(Kind kind, const YAML::Mark& mark, std::string_view tag = kPlain) {
    if (!tag.empty() && tag != kPlain && tag != kQuoted) Refuse(mark, "a tag");
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  static void CheckKeys(const YamlNode& map) {
    std::set<std::string_view> keys;
    for (size_t i = 0; i < map.items.size(); i += 2) {
      const YamlNode& key = map.items[i];
      if (key.kind != Kind::kScalar) Refuse(MarkOf(key), "a key that is not a word");
      if (!keys.insert(key.text).second)
        Refuse(MarkOf(key), fmt::format("a second \"{}\" in one map", key.text));
    }
  }

  void Open(YamlNode node) {
    if (open_.size() >= kMaxYamlDepth)
      Refuse(MarkOf(node), fmt::format("nesting deeper than {}", kMaxYamlDepth));
    open_.push_back(std::move(node));
  }

  void Close() {
    YamlNode node = std::move(open_.back());
    open_.pop_back();
    Put(std::move(node));
  }

  void Put(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else {
      open_.back().items.push_back(std::move(node));
    }
  }

  YamlNode root_;
  std::vector<YamlNode> open_;
};

std::unexpected<Error> Invalid(std::string message) {
  return std::unexpected(Error{ErrorKind::kInvalid, 0, std::move(message)});
}

Result<YamlNode> Parse(std::string_view yaml) {
  std::istringstream stream{std::string(yaml)};
  YAML::Parser parser(stream);
  TreeBuilder builder;
  if (!parser.HandleNextDocument(builder)) return YamlNode{};
  YamlNode root = builder.Take();
  if (TreeBuilder more; parser.HandleNextDocument(more))
    return Invalid(AtNode(more.Take(), "a second document, expected one"));
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

Result<YamlNode> ParseYaml(std::string_view yaml) {
  if (yaml.size() > kMaxYamlBytes)
    return Invalid(fmt::format("1:1: {} bytes, expected at most {}", yaml.size(), kMaxYamlBytes));
  if (!IsValidUtf8(yaml)) return Invalid("1:1: not UTF-8");
  try {
    return Parse(yaml);
  } catch (const YAML::Exception& exception) {
    const YAML::Mark& mark = exception.mark;
    return Invalid(fmt::format("{}:{}: {}", mark.line + 1, mark.column + 1, exception.msg));
  } catch (const std::exception& exception) {
    return Invalid(fmt::format("1:1: {}", exception.what()));
  }
}

}  // namespace bpftally
