#include "settings/option_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "settings/option_rows.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

std::vector<OptionRow> TwoRows() {
  const auto nothing = [](Options&, const std::string&) { return Result<void>(); };
  return {{"number", "N", "First", "7", "A number", nothing},
          {"s,switch", "", kGeneralSection, "", "A switch", nothing},
          {"last", "", "Second", "", "Last", nothing}};
}

ParsedOptions Split(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "bpftally");
  auto parsed = SplitArguments(arguments, TwoRows());
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed.value_or(ParsedOptions());
}

TEST(SplitArguments, KeepsOrderAndValuesAsGiven) {
  EXPECT_THAT(Split({"--number=1,5", "-s", "--number", "x"}).given,
              ElementsAre(Pair("number", "1,5"), Pair("switch", "true"), Pair("number", "x")));
}

TEST(SplitArguments, WordsStandAnywhere) {
  const ParsedOptions parsed = Split({"a", "--switch", "b,c", "--number=1", "d"});
  EXPECT_THAT(parsed.words, ElementsAre("a", "b,c", "d"));
  EXPECT_THAT(parsed.unknown, ElementsAre());
}

TEST(SplitArguments, UnknownOptionsLoseTheirValue) {
  EXPECT_THAT(Split({"--nmber=secret", "-x"}).unknown, ElementsAre("--nmber", "-x"));
}

TEST(SplitArguments, AMissingValueIsAnError) {
  const auto parsed = SplitArguments(std::vector<const char*>{"bpftally", "--number"}, TwoRows());
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("number"));
}

TEST(RenderHelp, ShowsSectionsDefaultsAndShortNames) {
  const std::string help = RenderHelp({"What it is.\n", "[FLAGS]", TwoRows()});
  for (const char* part : {"What it is.", "bpftally [FLAGS]", "First options:", "--number N",
                           "A number (default 7)", "-s, --switch"})
    EXPECT_THAT(help, HasSubstr(part));
  EXPECT_THAT(help, Not(HasSubstr("A switch (default")));
}

TEST(SectionsOf, PutsTheGeneralOneLast) {
  EXPECT_THAT(SectionsOf(TwoRows()), ElementsAre("First", "Second", kGeneralSection));
}

}  // namespace
}  // namespace bpftally
