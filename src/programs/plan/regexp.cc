#include "programs/plan/regexp.h"

#include <fmt/format.h>

#include "base/finding.h"
#include "base/utf8.h"

namespace bpftally {

Result<std::unique_ptr<RE2>> CompileRegexp(const std::string& text) {
  constexpr size_t kMaxReason = 200;  // RE2's message quotes the expression
  auto regexp = std::make_unique<RE2>(text, RE2::Quiet);
  if (regexp->ok()) return regexp;
  return std::unexpected(Error{ErrorKind::kInvalid, 0,
                               fmt::format("the regular expression {} is wrong: {}", Quoted(text),
                                           ToOneLine(regexp->error(), kMaxReason))});
}

}  // namespace bpftally
