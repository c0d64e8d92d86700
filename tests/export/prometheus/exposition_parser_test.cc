// Checks that the parser is strict: the writer's tests depend on it.
#include "export/prometheus/exposition_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>

namespace bpftally {
namespace {

constexpr TextFormat kOld = TextFormat::kPrometheus004;
constexpr TextFormat kOpen = TextFormat::kOpenMetrics100;

struct BadCase {
  std::string_view text;
  std::string_view error;
};

void ExpectRefused(TextFormat format, std::initializer_list<BadCase> cases) {
  for (const BadCase& bad : cases) {
    SCOPED_TRACE(bad.text);
    const auto parsed = ParseExposition(bad.text, format);
    ASSERT_FALSE(parsed);
    EXPECT_THAT(parsed.error(), testing::HasSubstr(bad.error));
  }
}

TEST(ExpositionParserTest, RefusesBadLines) {
  ExpectRefused(kOld, {{"# TYPE a gauge\na 1", "not ended"},
                       {"# TYPE a gauge\n\na 1\n", "no metric name"},
                       {"# TYPE a gauge\na 1\n# EOF\n", "expected"},
                       {"#TYPE a gauge\na 1\n", "no metric name"},
                       {"# see also this\n", "unknown keyword"},
                       {"# UNIT a_bytes bytes\n", "unknown keyword"},
                       {"# TYPE a sundial\na 1\n", "unknown type"},
                       {"# TYPE a gauge \na 1\n", "unknown type"},
                       {"# TYPE 1a gauge\n1a 1\n", "no family name"},
                       {"# HELP a b\\qc\n", "bad escape"},
                       {"# HELP a b\\\"c\n", "bad escape"},
                       {"# TYPE a gauge\na{l=\"\xff\"} 1\n", "not UTF-8"}});
}

TEST(ExpositionParserTest, RefusesBadFamilies) {
  ExpectRefused(
      kOld,
      {{"a 1\n", "no family"},
       {"# HELP a b\na 1\n", "without a type"},
       {"# TYPE a gauge\na 1\n# HELP a b\n", "HELP after a sample"},
       {"# HELP a b\n# TYPE a gauge\na 1\n# TYPE a gauge\n", "TYPE given twice"},
       {"# TYPE a gauge\n# TYPE a gauge\na 1\n", "TYPE given twice"},
       {"# TYPE a gauge\nb 1\n", "no family"},
       {"# TYPE a gauge\na_total 1\n", "alien suffix"},
       {"# TYPE a gauge\n", "family without samples"},
       {"# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\na 2\n", "no family"},
       {"# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na{l=\"\"} 2\n", "interleaved"},
       {"# TYPE a gauge\na 1\na 2\n", "series is there twice"},
       {"# TYPE a gauge\na{l=\"1\",m=\"2\"} 1\na{m=\"2\",l=\"1\"} 1\n", "series is there twice"}});
}

TEST(ExpositionParserTest, RefusesBadLabels) {
  ExpectRefused(kOld, {{"# TYPE a gauge\na{l=\"b\\tc\"} 1\n", "bad escape"},
                       {"# TYPE a gauge\na{l=\"b\\", "not ended"},
                       {"# TYPE a gauge\na{l=\"b\\\n\"} 1\n", "bad escape"},
                       {"# TYPE a gauge\na{l=\"b\n", "expected"},
                       {"# TYPE a gauge\na{l='b'} 1\n", "expected"},
                       {"# TYPE a gauge\na{l=b} 1\n", "expected"},
                       {"# TYPE a gauge\na{l=\"b\"c\"} 1\n", "expected"},
                       {"# TYPE a gauge\na{l=\"b\",} 1\n", "no label name"},
                       {"# TYPE a gauge\na{} 1\n", "no label name"},
                       {"# TYPE a gauge\na{l =\"b\"} 1\n", "no label name"},
                       {"# TYPE a gauge\na{1l=\"b\"} 1\n", "no label name"},
                       {"# TYPE a gauge\na{l=\"b\";m=\"c\"} 1\n", "expected"},
                       {"# TYPE a gauge\na{\"l\"=\"b\"} 1\n", "no label name"},
                       {"# TYPE a gauge\na{l=\"b\",l=\"c\"} 1\n", "there twice"},
                       {"# TYPE a gauge\na{l=\"b\"}1\n", "expected"}});
}

TEST(ExpositionParserTest, RefusesBadValues) {
  ExpectRefused(kOld, {{"# TYPE a gauge\na\n", "expected"},
                       {"# TYPE a gauge\na \n", "no number"},
                       {"# TYPE a gauge\na  1\n", "no number"},
                       {"# TYPE a gauge\na 1 \n", "no number"},
                       {"# TYPE a gauge\na 1 1700000000000\n", "no number"},
                       {"# TYPE a gauge\na Nan\n", "no number"},
                       {"# TYPE a gauge\na inf\n", "no number"},
                       {"# TYPE a gauge\na 0x1\n", "no number"},
                       {"# TYPE a gauge\na 1.\n", "no number"},
                       {"# TYPE a gauge\na .5\n", "no number"},
                       {"# TYPE a gauge\na 1e5\n", "no number"},
                       {"# TYPE a gauge\na 1e+999\n", "no number"},
                       {"# TYPE a gauge\na 1,5\n", "no number"}});
}

TEST(ExpositionParserTest, RefusesBadHistograms) {
  ExpectRefused(
      kOld,
      {{"# TYPE h histogram\nh 1\n", "alien suffix"},
       {"# TYPE h histogram\nh_bucket 1\n", "le is what"},
       {"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum{le=\"1\"} 1\n", "le is what"},
       {"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n", "no +Inf bucket"},
       {"# TYPE h histogram\nh_sum 1\nh_count 1\n", "no +Inf bucket"},
       {"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 2\n", "+Inf bucket says"},
       {"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\n", "without count"},
       {"# TYPE h histogram\nh_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\n", "not ascend"},
       {"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\n", "not ascend"},
       {"# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\n", "not cumulate"},
       {"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1.5\n", "counts not"},
       {"# TYPE h histogram\nh_bucket{le=\"x\"} 1\n", "no number"},
       {"# TYPE h histogram\nh_bucket{k=\"a\",le=\"+Inf\"} 1\nh_bucket{k=\"b\",le=\"+Inf\"} "
        "1\nh_count{k=\"a\"} 1\nh_count{k=\"b\"} 1\n",
        "interleaved"}});
}

TEST(ExpositionParserTest, RefusesBadOpenMetrics) {
  ExpectRefused(
      kOpen,
      {{"", "no # EOF"},
       {"# TYPE a gauge\na 1\n", "no # EOF"},
       {"# EOF", "not ended"},
       {"# EOF\n\n", "after # EOF"},
       {"# EOF\n# TYPE a gauge\na 1\n", "after # EOF"},
       {"# TYPE a counter\na 1\n# EOF\n", "alien suffix"},
       {"# TYPE a_total counter\na_total 1\n# EOF\n", "named with _total"},
       {"# TYPE a counter\na_total -1\n# EOF\n", "negative or NaN"},
       {"# TYPE a counter\na_total NaN\n# EOF\n", "negative or NaN"},
       {"# TYPE a counter\na_total 1\na_created 1\n# EOF\n", "alien suffix"},
       {"# TYPE a counter\na_total 1\n# TYPE a_total gauge\na_total 1\n# EOF\n", "twice"},
       {"# TYPE a counter\na_total 1 # {x=\"y\"} 1\n# EOF\n", "no number"},
       {"# HELP a say \"hi\"\n", "quote in a help text"},
       {"# UNIT a bytes\n# TYPE a gauge\na 1\n# EOF\n", "not the name's suffix"},
       {"# UNIT abytes bytes\n# TYPE abytes gauge\nabytes 1\n# EOF\n", "not the name's suffix"},
       {"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\n# EOF\n",
        "not written as a float"},
       {"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n# EOF\n", "without the other"},
       {"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\n# EOF\n", "without the other"},
       {"# TYPE h histogram\nh_bucket{le=\"-1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\n"
        "h_count 1\n# EOF\n",
        "negative buckets"}});
}

TEST(ExpositionParserTest, ReadsAllParts) {
  const auto parsed = ParseExposition(
      "# HELP a_bytes He said \\\"\\\\\\n\\\".\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\n"
      "a_bytes_total{l=\"x\\\"\\\\\\ny\",m=\"\"} 18446744073709551615\n"
      "a_bytes_total{l=\"}\",m=\"#\"} 1.5e-09\n# EOF\n",
      kOpen);
  ASSERT_TRUE(parsed) << parsed.error();
  ASSERT_EQ(parsed->size(), 1U);
  const ParsedFamily& family = parsed->front();
  EXPECT_EQ(family.name, "a_bytes");
  EXPECT_EQ(family.type, "counter");
  EXPECT_EQ(family.unit, "bytes");
  EXPECT_EQ(family.help, "He said \"\\\n\".");
  ASSERT_EQ(family.samples.size(), 2U);
  EXPECT_EQ(family.samples[0].name, "a_bytes_total");
  EXPECT_EQ(family.samples[0].value_text, "18446744073709551615");
  EXPECT_THAT(family.samples[0].labels,
              testing::ElementsAre(testing::Pair("l", "x\"\\\ny"), testing::Pair("m", "")));
  EXPECT_EQ(family.samples[1].value, 1.5e-9);
}

TEST(ExpositionParserTest, NamesTheLine) {
  EXPECT_EQ(ParseExposition("# TYPE a gauge\na 1\na 1\n", kOld).error(),
            "line 3: series is there twice");
}

}  // namespace
}  // namespace bpftally
