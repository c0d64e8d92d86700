#include "base/finding.h"

#include <gtest/gtest.h>

namespace bpftally {
namespace {

TEST(Finding, IsPrintedAsCompilersDo) {
  EXPECT_EQ(ToString({.file = "a.yaml", .at = {3, 7}, .message = "wrong"}), "a.yaml:3:7: wrong");
  EXPECT_EQ(ToString({.file = "a.yaml", .message = "wrong"}), "a.yaml: wrong");
  EXPECT_EQ(ToString({.at = {3, 7}, .message = "wrong"}), "3:7: wrong");
  EXPECT_EQ(ToString({.message = "wrong"}), "wrong");
}

TEST(Finding, OnlyErrorsStop) {
  const Finding warning{.severity = Finding::Severity::kWarning};
  EXPECT_FALSE(HasErrors({}));
  EXPECT_FALSE(HasErrors({warning, warning}));
  EXPECT_TRUE(HasErrors({warning, Finding{}}));
}

TEST(Finding, QuotesWordsThatCannotHarmATerminal) {
  EXPECT_EQ(Quoted("plain"), "\"plain\"");
  EXPECT_EQ(Quoted("a\x1b[2J\n\x7f"), "\"a [2J  \"");
  EXPECT_EQ(Quoted(std::string(61, 'x')), "\"" + std::string(60, 'x') + "…\"");
  // Cuts inside a character, but the result is valid UTF-8.
  EXPECT_EQ(Quoted(std::string(59, 'x') + "äy"), "\"" + std::string(59, 'x') + "\uFFFD…\"");
}

}  // namespace
}  // namespace bpftally
