// Decoders that take the text of the decoder before them, and need nothing from the host.

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <iterator>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/utf8.h"
#include "programs/decode/errno_names.h"
#include "programs/decode/factories.h"
#include "programs/decode/syscall_names.h"
#include "programs/plan/plan.h"
#include "programs/plan/regexp.h"

namespace bpftally {
namespace {

template <typename Number>
Result<Number> ParseNumber(std::string_view text, const char* range) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error == std::errc() && end == text.end()) return number;
  constexpr size_t kQuoted = 40;
  return InvalidInput(fmt::format("\"{}\" is no whole number {}: is `uint` missing before?",
                                  ToOneLine(text, kQuoted), range));
}

class StaticMap final : public Decoder {
 public:
  StaticMap(const TextMap& texts, UnknownRule unknown) : unknown_(unknown) {
    for (const auto& [from, to] : texts) map_.insert_or_assign(from, to);
  }

  DecoderResult Decode(std::string_view input, std::string& out) override {
    if (const auto found = map_.find(input); found != map_.end()) {
      out = found->second;
    } else {
      out = unknown_ == UnknownRule::kKeep ? "" : "unknown:";
      out += input;
    }
    return Verdict::kKeep;
  }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> map_;
  UnknownRule unknown_;
};

class EmptyStaticMap final : public Decoder {
 public:
  DecoderResult Decode(std::string_view, std::string& out) override {
    out = "empty mapping";
    return Verdict::kKeep;
  }
};

class Regexp final : public Decoder {
 public:
  explicit Regexp(std::vector<std::unique_ptr<RE2>> expressions)
      : expressions_(std::move(expressions)) {}

  // Returns the text of the first expression that matches, or of its group if it has one. An
  // expression with more than one group never counts as a match.
  DecoderResult Decode(std::string_view input, std::string& out) override {
    std::string valid;
    if (!IsValidUtf8(input)) input = valid = ToValidUtf8(input);
    for (const auto& expression : expressions_) {
      const int groups = expression->NumberOfCapturingGroups();
      std::array<re2::StringPiece, 2> parts;
      if (groups > 1 || !expression->Match({input.data(), input.size()}, 0, input.size(),
                                           RE2::UNANCHORED, parts.data(), groups + 1)) {
        continue;
      }
      const re2::StringPiece part = parts[static_cast<size_t>(groups)];
      out.assign(part.data() == nullptr ? "" : part.data(), part.size());
      return Verdict::kKeep;
    }
    return Verdict::kDrop;
  }

 private:
  std::vector<std::unique_ptr<RE2>> expressions_;
};

}  // namespace

Result<int64_t> ParseInteger(std::string_view text) {
  constexpr const char* kRange = "between -2^63 and 2^63-1";
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return ParseNumber<int64_t>(text, kRange);
}

DecoderResult DecodeErrno(std::string_view input, std::string& out) {
  const auto number = ParseNumber<uint64_t>(input, "between 0 and 2^64-1");
  if (!number) return std::unexpected(number.error());
  out.assign(ErrnoName(*number));
  if (out.empty()) fmt::format_to(std::back_inserter(out), "unknown:{}", *number);
  return Decoder::Verdict::kKeep;
}

DecoderResult DecodeSyscall(std::string_view input, std::string& out) {
  const auto parsed = ParseInteger(input);
  if (!parsed) return std::unexpected(parsed.error());
  const auto number = static_cast<uint64_t>(*parsed);
  out.assign(FindName(SyscallNames(), number));
  if (out.empty()) fmt::format_to(std::back_inserter(out), "unknown_syscall:{}", number);
  return Decoder::Verdict::kKeep;
}

Result<std::unique_ptr<Decoder>> MakeStaticMap(const DecoderPlan& config, HostTables&) {
  const auto* texts = std::get_if<TextMap>(&config.argument);
  if (texts == nullptr) return std::make_unique<EmptyStaticMap>();
  return std::make_unique<StaticMap>(*texts, config.unknown);
}

Result<std::unique_ptr<Decoder>> MakeRegexp(const DecoderPlan& config, HostTables&) {
  const auto* texts = std::get_if<Regexps>(&config.argument);
  if (texts == nullptr) return InvalidInput("regexp needs `regexps`, a list of expressions");
  std::vector<std::unique_ptr<RE2>> expressions;
  for (const std::string& text : *texts) {
    auto expression = CompileRegexp(text);
    if (!expression) return std::unexpected(std::move(expression.error()));
    expressions.push_back(std::move(*expression));
  }
  return std::make_unique<Regexp>(std::move(expressions));
}

}  // namespace bpftally
