#include "yaml/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace bpftally {
namespace {

YamlNode Scalar(std::string text, bool quoted = false) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.quoted = quoted;
  node.text = std::move(text);
  return node;
}

std::optional<int64_t> Integer(std::string text) {
  const auto number = ParseYamlNumber(Scalar(std::move(text)));
  return number ? ToInteger(*number) : std::nullopt;
}

std::optional<uint64_t> Unsigned(std::string text) {
  const auto number = ParseYamlNumber(Scalar(std::move(text)));
  return number ? ToUnsigned(*number) : std::nullopt;
}

double Double(std::string text) {
  const auto number = ParseYamlNumber(Scalar(std::move(text)));
  return number ? ToDouble(*number) : std::numeric_limits<double>::quiet_NaN();
}

TEST(YamlNumber, HasManyNotations) {
  EXPECT_EQ(Integer("8"), 8);
  EXPECT_EQ(Integer("-8"), -8);
  EXPECT_EQ(Integer("+8"), 8);
  EXPECT_EQ(Integer("010"), 8);
  EXPECT_EQ(Integer("-010"), -8);
  EXPECT_EQ(Integer("0o17"), 15);
  EXPECT_EQ(Integer("0x4"), 4);
  EXPECT_EQ(Integer("0XfF"), 255);
  EXPECT_EQ(Integer("0b11"), 3);
  EXPECT_EQ(Integer("2_0"), 20);
  EXPECT_EQ(Integer("0"), 0);
  EXPECT_EQ(Integer("08"), 8) << "no octal number, so a float";
}

TEST(YamlNumber, FractionsAreTruncated) {
  EXPECT_EQ(Integer("3.5"), 3);
  EXPECT_EQ(Integer("-3.5"), -3);
  EXPECT_EQ(Unsigned("2.0"), 2);
  EXPECT_EQ(Unsigned("1e3"), 1000);
}

TEST(YamlNumber, Floats) {
  EXPECT_EQ(Double("1_0e-1"), 1.0);
  EXPECT_EQ(Double("1e-06"), 1e-6);
  EXPECT_EQ(Double("1e-9"), 1e-9);
  EXPECT_EQ(Double("1E9"), 1e9);
  EXPECT_EQ(Double(".5"), 0.5);
  EXPECT_EQ(Double("5."), 5);
  EXPECT_EQ(Double("+1.5"), 1.5);
  EXPECT_EQ(Double("4"), 4);
  EXPECT_EQ(Double(".inf"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(Double("-.Inf"), -std::numeric_limits<double>::infinity());
  const auto nan = ParseYamlNumber(Scalar(".NaN"));
  ASSERT_TRUE(nan);
  EXPECT_TRUE(std::isnan(ToDouble(*nan)));
}

TEST(YamlNumber, EdgesOf64Bits) {
  EXPECT_EQ(Integer("9223372036854775807"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Integer("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(Integer("9223372036854775808"), std::nullopt);
  EXPECT_EQ(Unsigned("9223372036854775808"), uint64_t{1} << 63);
  EXPECT_EQ(Unsigned("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(Unsigned("18446744073709551616"), std::nullopt) << "a float, and too large";
  EXPECT_EQ(Unsigned("-1"), std::nullopt);
  EXPECT_EQ(Unsigned("-0.5"), std::nullopt);
  EXPECT_EQ(Unsigned(".nan"), std::nullopt);
  EXPECT_EQ(Integer("1e300"), std::nullopt);
  EXPECT_EQ(Integer("-.inf"), std::nullopt);
}

TEST(YamlNumber, OtherTextIsNoNumber) {
  for (const char* text :
       {"",    "four", "4b",  "0x",  "0xg", "0b2",   "-",     "+",          ".",    "_1",
        "1 2", "--1",  "+-1", "inf", "nan", "0x1p3", "1e999", "2001-01-01", "1:30", "~"})
    EXPECT_FALSE(ParseYamlNumber(Scalar(text))) << text;
  EXPECT_FALSE(ParseYamlNumber(Scalar("4", true)));
  EXPECT_FALSE(ParseYamlNumber(YamlNode{}));
}

TEST(YamlBool, OldAndNewWords) {
  for (const char* text : {"true", "Yes", "ON", "y"})
    EXPECT_EQ(ParseYamlBool(Scalar(text)), true) << text;
  for (const char* text : {"false", "No", "OFF", "n"})
    EXPECT_EQ(ParseYamlBool(Scalar(text)), false) << text;
  for (const char* text : {"", "1", "tRUE", "maybe"})
    EXPECT_EQ(ParseYamlBool(Scalar(text)), std::nullopt) << text;
  EXPECT_EQ(ParseYamlBool(Scalar("true", true)), std::nullopt);
}

}  // namespace
}  // namespace bpftally
