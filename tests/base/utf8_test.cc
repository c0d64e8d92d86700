#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace bpftally {
namespace {

using std::literals::string_view_literals::operator""sv;

struct Case {
  std::string_view bytes;
  std::string_view repaired;
};

TEST(Utf8Test, ValidTextStaysAsItIs) {
  for (const std::string_view text :
       {""sv, "plain"sv, "a\0b"sv, "\x7F"sv, "\u00E9"sv, "\u0800"sv, "\uD7FF"sv, "\uE000"sv,
        "\uFFFE"sv, "\uFFFF"sv, "\U00010000"sv, "\U0010FFFF"sv}) {
    EXPECT_TRUE(IsValidUtf8(text)) << text;
    EXPECT_EQ(ToValidUtf8(text), text);
  }
}

// The expected repairs follow the Unicode standard's table 3-8: one U+FFFD for each maximal
// subpart.
TEST(Utf8Test, InvalidBytesAreReplaced) {
  const Case cases[] = {
      {"\xFF", "\uFFFD"},
      {"\x80", "\uFFFD"},
      {"a\x80z", "a\uFFFDz"},
      {"\xC0\x80", "\uFFFD\uFFFD"},            // overlong NUL
      {"\xC1\xBF", "\uFFFD\uFFFD"},            // overlong DEL
      {"\xE0\x80\x80", "\uFFFD\uFFFD\uFFFD"},  // overlong in three bytes
      {"\xE0\x9F\xBF", "\uFFFD\uFFFD\uFFFD"},  // overlong, the largest one
      {"\xF0\x80\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xF0\x8F\xBF\xBF", "\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},            // high surrogate
      {"\xED\xBF\xBF", "\uFFFD\uFFFD\uFFFD"},            // low surrogate
      {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},  // above U+10FFFF
      {"\xF5\x80\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xC3", "\uFFFD"},  // truncated at the end
      {"\xE2\x82", "\uFFFD"},
      {"\xF0\x9F\x98", "\uFFFD"},
      {"\xE2\x82z", "\uFFFDz"},  // truncated in the middle
      {"\xF0\x9F\xE2\x82\xAC", "\uFFFD\u20AC"},
      {"\xC3\xC3\xA9", "\uFFFD\u00E9"},
  };
  for (const Case& one : cases) {
    EXPECT_FALSE(IsValidUtf8(one.bytes)) << one.repaired;
    EXPECT_EQ(ToValidUtf8(one.bytes), one.repaired);
  }
}

TEST(Utf8Test, MessagesAreOneLine) {
  EXPECT_EQ(ToOneLine("a\r\n\tb\0\x1b[2J\x7f\xFF"sv), "a   b  [2J \uFFFD");
  EXPECT_EQ(ToOneLine("\u00E9\u2026"), "\u00E9\u2026");
  EXPECT_EQ(ToOneLine("1234", 4), "1234");
  EXPECT_EQ(ToOneLine("12345", 4), "1234\u2026");
  EXPECT_EQ(ToOneLine("a\u00E9b", 2), "a\uFFFD\u2026") << "cut within a character";
}

TEST(Utf8Test, EveryPairOfBytesIsRepairedToValidText) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string bytes = {static_cast<char>(first), static_cast<char>(second)};
      const std::string repaired = ToValidUtf8(bytes);
      ASSERT_TRUE(IsValidUtf8(repaired)) << first << " " << second;
      ASSERT_EQ(IsValidUtf8(bytes), repaired == bytes) << first << " " << second;
    }
  }
}

TEST(Utf8Test, OneNonAsciiByteIsFoundAtEveryPosition) {
  EXPECT_TRUE(IsAscii(""));
  for (size_t size = 1; size < 40; ++size) {
    std::string text(size, 'a');
    EXPECT_TRUE(IsAscii(text));
    for (char& c : text) {
      c = '\x80';
      EXPECT_FALSE(IsAscii(text)) << size;
      EXPECT_FALSE(IsValidUtf8(text)) << size;
      c = '\x7f';
    }
  }
}

}  // namespace
}  // namespace bpftally
