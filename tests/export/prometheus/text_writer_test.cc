#include "export/prometheus/text_writer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "export/prometheus/exposition_parser.h"
#include "model/metric_batch.h"

namespace bpftally {
namespace {

constexpr TextFormat kOld = TextFormat::kPrometheus004;
constexpr TextFormat kOpen = TextFormat::kOpenMetrics100;
constexpr std::array kBothFormats = {kOld, kOpen};

std::string Text(const MetricBatch& batch, TextFormat format, const FamilyFilter& filter = {}) {
  std::string text;
  WriteText(batch, format, [&](std::string_view chunk) { text += chunk; }, filter);
  return text;
}

// Makes one gauge "g" with one sample.
MetricBatch OneSample(Number value, std::string_view label_value = "", std::string help = "Help.") {
  MetricBatch batch;
  MetricFamily& family =
      batch.Add({.name = "g", .help = std::move(help), .unit = "", .label_names = {"l"}}, "test");
  family.samples.push_back({.labels = batch.Labels({batch.Intern(label_value)}), .value = value});
  return batch;
}

std::string ValueText(Number value, TextFormat format = kOld) {
  const std::string text = Text(OneSample(value), format);
  const size_t start = text.rfind("} ") + 2;
  return text.substr(start, text.find('\n', start) - start);
}

ParsedSample OnlySample(const MetricBatch& batch, TextFormat format) {
  const auto parsed = ParseExposition(Text(batch, format), format);
  if (!parsed || parsed->size() != 1 || parsed->front().samples.size() != 1) {
    ADD_FAILURE() << (parsed ? "not one sample" : parsed.error());
    return {};
  }
  return parsed->front().samples.front();
}

// Makes a family of each kind in the catalogue.
MetricBatch Example() {
  MetricBatch batch;
  const LabelValues first = batch.Labels({"1", "handle_exec", "tracing"});
  const LabelValues second = batch.Labels({"2", "say \"hi\"\\\n", "xdp"});
  const std::vector<std::string> labels = {"id", "name", "type"};

  MetricFamily& sizes = batch.Add({.name = "bpf_program_mem_bytes_total",
                                   .help = "Memory of \"it\",\nback\\slash.",
                                   .type = MetricType::kCounter,
                                   .unit = "By",
                                   .label_names = labels},
                                  "programs");
  sizes.samples.push_back({.labels = first, .value = std::numeric_limits<uint64_t>::max()});
  sizes.samples.push_back({.labels = second, .value = uint64_t{4096}, .start_time_ns = 17});

  MetricFamily& info = batch.Add(
      {.name = "bpf_program_info", .help = "A program.", .unit = "", .label_names = labels},
      "programs");
  info.samples.push_back({.labels = first, .value = uint64_t{1}});

  batch.Add({.name = "bpf_empty", .help = "Nothing.", .unit = "By", .label_names = labels}, "maps");

  MetricFamily& time = batch.Add({.name = "bpf_program_load_time",
                                  .help = "When it was loaded.",
                                  .unit = "s",
                                  .label_names = labels},
                                 "programs");
  time.samples.push_back({.labels = first, .value = 1.76368320025e+09});

  MetricFamily& limit = batch.Add(
      {.name = "bpf_verifier_instruction_limit", .help = "Limit.", .unit = "{instruction}"},
      "kernel");
  limit.samples.push_back({.value = std::numeric_limits<int64_t>::min()});

  MetricFamily& latency = batch.Add({.name = "bpf_latency_seconds",
                                     .help = "Latency.",
                                     .type = MetricType::kHistogram,
                                     .unit = "s",
                                     .label_names = {"kind"}},
                                    "programs");
  const auto bounds = batch.Bounds(std::array{1e-06, 0.5, 1.0, 1048576.0});
  latency.histograms.push_back({.labels = batch.Labels({"read"}),
                                .upper_bounds = bounds,
                                .counts = batch.Counts(std::array<uint64_t, 5>{1, 0, 2, 3, 4}),
                                .sum = 12.5});
  latency.histograms.push_back({.labels = batch.Labels({"write"}),
                                .upper_bounds = bounds.first(1),
                                .counts = batch.Counts(std::array<uint64_t, 2>{0, 7}),
                                .sum = std::nullopt});
  return batch;
}

constexpr std::string_view kGoldenOld =
    R"(# HELP bpf_program_mem_bytes_total Memory of "it",\nback\\slash.
# TYPE bpf_program_mem_bytes_total counter
bpf_program_mem_bytes_total{id="1",name="handle_exec",type="tracing"} 18446744073709551615
bpf_program_mem_bytes_total{id="2",name="say \"hi\"\\\n",type="xdp"} 4096
# HELP bpf_program_info A program.
# TYPE bpf_program_info gauge
bpf_program_info{id="1",name="handle_exec",type="tracing"} 1
# HELP bpf_program_load_time When it was loaded.
# TYPE bpf_program_load_time gauge
bpf_program_load_time{id="1",name="handle_exec",type="tracing"} 1.76368320025e+09
# HELP bpf_verifier_instruction_limit Limit.
# TYPE bpf_verifier_instruction_limit gauge
bpf_verifier_instruction_limit -9223372036854775808
# HELP bpf_latency_seconds Latency.
# TYPE bpf_latency_seconds histogram
bpf_latency_seconds_bucket{kind="read",le="1e-06"} 1
bpf_latency_seconds_bucket{kind="read",le="0.5"} 1
bpf_latency_seconds_bucket{kind="read",le="1"} 3
bpf_latency_seconds_bucket{kind="read",le="1.048576e+06"} 6
bpf_latency_seconds_bucket{kind="read",le="+Inf"} 10
bpf_latency_seconds_sum{kind="read"} 12.5
bpf_latency_seconds_count{kind="read"} 10
bpf_latency_seconds_bucket{kind="write",le="1e-06"} 0
bpf_latency_seconds_bucket{kind="write",le="+Inf"} 7
bpf_latency_seconds_count{kind="write"} 7
)";

constexpr std::string_view kGoldenOpen =
    R"(# HELP bpf_program_mem_bytes Memory of \"it\",\nback\\slash.
# TYPE bpf_program_mem_bytes counter
# UNIT bpf_program_mem_bytes bytes
bpf_program_mem_bytes_total{id="1",name="handle_exec",type="tracing"} 18446744073709551615
bpf_program_mem_bytes_total{id="2",name="say \"hi\"\\\n",type="xdp"} 4096
# HELP bpf_program_info A program.
# TYPE bpf_program_info gauge
bpf_program_info{id="1",name="handle_exec",type="tracing"} 1
# HELP bpf_program_load_time When it was loaded.
# TYPE bpf_program_load_time gauge
bpf_program_load_time{id="1",name="handle_exec",type="tracing"} 1.76368320025e+09
# HELP bpf_verifier_instruction_limit Limit.
# TYPE bpf_verifier_instruction_limit gauge
bpf_verifier_instruction_limit -9223372036854775808
# HELP bpf_latency_seconds Latency.
# TYPE bpf_latency_seconds histogram
# UNIT bpf_latency_seconds seconds
bpf_latency_seconds_bucket{kind="read",le="1e-06"} 1
bpf_latency_seconds_bucket{kind="read",le="0.5"} 1
bpf_latency_seconds_bucket{kind="read",le="1.0"} 3
bpf_latency_seconds_bucket{kind="read",le="1.048576e+06"} 6
bpf_latency_seconds_bucket{kind="read",le="+Inf"} 10
bpf_latency_seconds_sum{kind="read"} 12.5
bpf_latency_seconds_count{kind="read"} 10
bpf_latency_seconds_bucket{kind="write",le="1e-06"} 0
bpf_latency_seconds_bucket{kind="write",le="+Inf"} 7
# EOF
)";

TEST(TextWriterTest, WritesPrometheusText) { EXPECT_EQ(Text(Example(), kOld), kGoldenOld); }

TEST(TextWriterTest, WritesOpenMetrics) { EXPECT_EQ(Text(Example(), kOpen), kGoldenOpen); }

TEST(TextWriterTest, OutputParses) {
  for (const TextFormat format : kBothFormats) {
    const auto parsed = ParseExposition(Text(Example(), format), format);
    EXPECT_TRUE(parsed) << parsed.error();
  }
}

TEST(TextWriterTest, EmptyBatch) {
  WriteText(MetricBatch(), kOld, [](std::string_view) { FAIL() << "nothing, and yet a chunk"; });
  EXPECT_EQ(Text(MetricBatch(), kOpen), "# EOF\n");
}

TEST(TextWriterTest, FilterChoosesFamilies) {
  const FamilyFilter kernel = [](const MetricFamily& family) {
    return family.collector == "kernel";
  };
  EXPECT_EQ(Text(Example(), kOpen, kernel),
            "# HELP bpf_verifier_instruction_limit Limit.\n"
            "# TYPE bpf_verifier_instruction_limit gauge\n"
            "bpf_verifier_instruction_limit -9223372036854775808\n"
            "# EOF\n");
}

TEST(TextWriterTest, UnitOnlyWhereItIsTheSuffix) {
  const auto unit_line = [](std::string name, std::string unit) {
    MetricBatch batch;
    batch.Add({.name = std::move(name), .help = "Help.", .unit = std::move(unit)}, "test")
        .samples.push_back({});
    const std::string text = Text(batch, kOpen);
    const size_t at = text.find("# UNIT");
    return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
  };
  EXPECT_EQ(unit_line("size_bytes", "By"), "# UNIT size_bytes bytes");
  EXPECT_EQ(unit_line("age_seconds", "s"), "# UNIT age_seconds seconds");
  EXPECT_EQ(unit_line("load_time", "s"), "");
  EXPECT_EQ(unit_line("sizebytes", "By"), "");
  EXPECT_EQ(unit_line("bytes", "By"), "");
  EXPECT_EQ(unit_line("size_bytes", "s"), "");
  EXPECT_EQ(unit_line("entries", "{entries}"), "");
  EXPECT_EQ(unit_line("any_", ""), "");
}

TEST(TextWriterTest, EscapesHelp) {
  const MetricBatch batch = OneSample(uint64_t{0}, "", "a\\b\"c\nd");
  EXPECT_THAT(Text(batch, kOld), testing::StartsWith("# HELP g a\\\\b\"c\\nd\n"));
  EXPECT_THAT(Text(batch, kOpen), testing::StartsWith("# HELP g a\\\\b\\\"c\\nd\n"));
}

TEST(TextWriterTest, EscapesLabelValues) {
  const MetricBatch batch = OneSample(uint64_t{0}, "a\\b\"c\nd");
  for (const TextFormat format : kBothFormats) {
    EXPECT_THAT(Text(batch, format), testing::HasSubstr("\ng{l=\"a\\\\b\\\"c\\nd\"} 0\n"));
  }
}

// The writer checks words of several bytes at once. It must find special characters at each
// position in texts of each length, and no character that merely resembles one.
TEST(TextWriterTest, FindsEscapesAtEveryPosition) {
  constexpr size_t kLongest = 40;
  for (size_t length = 1; length <= kLongest; ++length) {
    for (size_t at = 0; at < length; ++at) {
      for (const char special : {'\\', '\n', '"', '\x0b', '!', ']', '\x01', '\0'}) {
        std::string value(length, '#');
        value[at] = special;
        ASSERT_EQ(OnlySample(OneSample(uint64_t{0}, value), kOld).labels.at("l"), value)
            << "length " << length << " at " << at;
      }
    }
  }
}

TEST(TextWriterTest, TextLongerThanAChunk) {
  constexpr size_t kLength = 100'000;
  for (const char c : {'x', '\n'}) {
    const std::string value(kLength, c);
    EXPECT_EQ(OnlySample(OneSample(uint64_t{5}, value), kOpen).labels.at("l"), value);
    const auto parsed = ParseExposition(Text(OneSample(uint64_t{5}, "", value), kOpen), kOpen);
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(parsed->front().help, value);
  }
}

// The constant parts of a line are copied in blocks: tries all lengths and chunk ends.
TEST(TextWriterTest, LinesOfEveryLength) {
  for (size_t length = 1; length <= 70; ++length) {
    const std::string name(length, 'n');
    MetricBatch batch;
    MetricFamily& bare = batch.Add({.name = name + "_b", .help = "H.", .unit = ""}, "test");
    bare.samples.push_back({.value = uint64_t{7}});
    std::string expected = fmt::format("# HELP {0}_b H.\n# TYPE {0}_b gauge\n{0}_b 7\n", name);
    MetricFamily& family =
        batch.Add({.name = name, .help = "H.", .unit = "", .label_names = {name, "l"}}, "test");
    expected += fmt::format("# HELP {0} H.\n# TYPE {0} gauge\n", name);
    for (size_t i = 0; i < 1'000; ++i) {
      const std::string value(i % 67, 'v');
      family.samples.push_back(
          {.labels = batch.Labels({batch.Intern(value), batch.InternNumber(i)}), .value = i});
      expected += fmt::format("{0}{{{0}=\"{1}\",l=\"{2}\"}} {2}\n", name, value, i);
    }
    ASSERT_EQ(Text(batch, kOld), expected) << "name of " << length;
  }
}

TEST(TextWriterTest, ChunksAreOfAFewTenKibibytesAndJoinSeamlessly) {
  constexpr uint64_t kSamples = 20'000;
  constexpr size_t kLargest = size_t{64} * 1024;
  constexpr size_t kSmallest = size_t{16} * 1024;
  MetricBatch batch;
  MetricFamily& family =
      batch.Add({.name = "g", .help = "Help.", .unit = "", .label_names = {"id"}}, "test");
  std::string expected = "# HELP g Help.\n# TYPE g gauge\n";
  for (uint64_t i = 0; i < kSamples; ++i) {
    family.samples.push_back({.labels = batch.Labels({batch.InternNumber(i)}), .value = i * i});
    expected += fmt::format("g{{id=\"{}\"}} {}\n", i, i * i);
  }
  std::vector<size_t> sizes;
  std::string text;
  WriteText(batch, kOld, [&](std::string_view chunk) {
    sizes.push_back(chunk.size());
    text += chunk;
  });
  EXPECT_EQ(text, expected);
  ASSERT_GT(sizes.size(), 2U);
  EXPECT_GT(sizes.back(), 0U);
  sizes.pop_back();
  EXPECT_THAT(sizes, testing::Each(testing::AllOf(testing::Ge(kSmallest), testing::Le(kLargest))));
}

TEST(TextWriterTest, Fault16IntegersAreExact) {
  EXPECT_EQ(ValueText(uint64_t{0}), "0");
  EXPECT_EQ(ValueText(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(ValueText((uint64_t{1} << 53) + 1), "9007199254740993");
  EXPECT_EQ(ValueText(std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(ValueText(std::numeric_limits<int64_t>::max()), "9223372036854775807");
  EXPECT_EQ(ValueText(int64_t{-1}), "-1");
}

TEST(TextWriterTest, DoublesAreShort) {
  EXPECT_EQ(ValueText(0.1), "0.1");
  EXPECT_EQ(ValueText(1.0), "1");
  EXPECT_EQ(ValueText(-0.0), "-0");
  EXPECT_EQ(ValueText(1e300), "1e+300");
  EXPECT_EQ(ValueText(5e-324), "5e-324");
  EXPECT_EQ(ValueText(-1.7976931348623157e308), "-1.7976931348623157e+308");
}

// Expects the results of Go's strconv with 'g' and the shortest precision.
TEST(TextWriterTest, DoublesAreSpelledAsGoDoes) {
  EXPECT_EQ(ValueText(0.0), "0");
  EXPECT_EQ(ValueText(-17.0), "-17");
  EXPECT_EQ(ValueText(999999.0), "999999");
  EXPECT_EQ(ValueText(999999.5), "999999.5");
  EXPECT_EQ(ValueText(1e6), "1e+06");
  EXPECT_EQ(ValueText(-1e6), "-1e+06");
  EXPECT_EQ(ValueText(1000001.0), "1.000001e+06");
  EXPECT_EQ(ValueText(123456789.0), "1.23456789e+08");
  EXPECT_EQ(ValueText(9007199254740993.0), "9.007199254740992e+15");
  EXPECT_EQ(ValueText(18446744073709551615.0), "1.8446744073709552e+19");
  EXPECT_EQ(ValueText(1e21), "1e+21");
  EXPECT_EQ(ValueText(0.0001), "0.0001");
  EXPECT_EQ(ValueText(0.00001), "1e-05");
  EXPECT_EQ(ValueText(0.3), "0.3");
  EXPECT_EQ(ValueText(0.1 + 0.2), "0.30000000000000004");
}

TEST(TextWriterTest, HistogramCountsAreFloatsInTheOldFormatOnly) {
  MetricBatch batch;
  MetricFamily& family =
      batch.Add({.name = "h", .help = "H.", .type = MetricType::kHistogram, .unit = ""}, "test");
  family.histograms.push_back({.labels = nullptr,
                               .upper_bounds = batch.Bounds(std::array{1.0}),
                               .counts = batch.Counts(std::array<uint64_t, 2>{999'999, 1'000'000}),
                               .sum = 2.0});
  EXPECT_THAT(Text(batch, kOld), testing::HasSubstr("h_bucket{le=\"1\"} 999999\n"
                                                    "h_bucket{le=\"+Inf\"} 1.999999e+06\n"
                                                    "h_sum 2\n"
                                                    "h_count 1.999999e+06\n"));
  EXPECT_THAT(Text(batch, kOpen), testing::HasSubstr("h_count 1999999\n"));
}

TEST(TextWriterTest, ACounterWithoutTheSuffixKeepsItsNameInBothFormats) {
  MetricBatch batch;
  batch.Add({.name = "hits", .help = "H.", .type = MetricType::kCounter, .unit = ""}, "test")
      .samples.push_back({nullptr, 3.0});
  EXPECT_EQ(Text(batch, kOld), "# HELP hits H.\n# TYPE hits counter\nhits 3\n");
  EXPECT_EQ(Text(batch, kOpen), "# HELP hits H.\n# TYPE hits unknown\nhits 3\n# EOF\n");
}

TEST(TextWriterTest, NonFiniteDoublesAreSpelledAsByPrometheus) {
  for (const TextFormat format : kBothFormats) {
    EXPECT_EQ(ValueText(std::numeric_limits<double>::quiet_NaN(), format), "NaN");
    EXPECT_EQ(ValueText(-std::numeric_limits<double>::quiet_NaN(), format), "NaN");
    EXPECT_EQ(ValueText(std::numeric_limits<double>::infinity(), format), "+Inf");
    EXPECT_EQ(ValueText(-std::numeric_limits<double>::infinity(), format), "-Inf");
  }
}

TEST(TextWriterTest, DoublesComeBackTheSame) {
  for (const double value :
       {0.1, 1.0 / 3, 1e300, 5e-324, 2.2250738585072009e-308, 1e22, 1e23, 123456789.123456789,
        -9007199254740993.0, 4.35, 1.7976931348623157e308}) {
    EXPECT_EQ(OnlySample(OneSample(value), kOld).value, value);
    EXPECT_EQ(OnlySample(OneSample(value), kOpen).value, value);
  }
}

std::string BoundText(double bound, TextFormat format) {
  MetricBatch batch;
  MetricFamily& family =
      batch.Add({.name = "h", .help = "Help.", .type = MetricType::kHistogram, .unit = ""}, "test");
  family.histograms.push_back({.upper_bounds = batch.Bounds({&bound, 1}),
                               .counts = batch.Counts(std::array<uint64_t, 2>{}),
                               .sum = std::nullopt});
  const std::string text = Text(batch, format);
  constexpr std::string_view kBefore = "le=\"";
  const size_t start = text.find(kBefore) + kBefore.size();
  return text.substr(start, text.find('"', start) - start);
}

// Uses the examples of the OpenMetrics specification's "Canonical Numbers", and their neighbours.
TEST(TextWriterTest, BoundsAreCanonical) {
  struct Case {
    double bound;
    std::string_view open;
    std::string_view old;
  };
  for (const Case& c :
       std::initializer_list<Case>{{0.0, "0.0", "0"},
                                   {-0.0, "-0.0", "-0"},
                                   {0.001, "0.001", "0.001"},
                                   {1.0, "1.0", "1"},
                                   {10.0, "10.0", "10"},
                                   {-2.5, "-2.5", "-2.5"},
                                   {1e-10, "1e-10", "1e-10"},
                                   {1e-05, "1e-05", "1e-05"},
                                   {0.0001, "0.0001", "0.0001"},
                                   {100000.0, "100000.0", "100000"},
                                   {999999.5, "999999.5", "999999.5"},
                                   {1e6, "1e+06", "1e+06"},
                                   {1e10, "1e+10", "1e+10"},
                                   {-4194304.0, "-4.194304e+06", "-4.194304e+06"}}) {
    EXPECT_EQ(BoundText(c.bound, kOpen), c.open);
    EXPECT_EQ(BoundText(c.bound, kOld), c.old);
  }
}

MetricBatch HistogramFromMinusOne() {
  MetricBatch batch;
  MetricFamily& family =
      batch.Add({.name = "h", .help = "Help.", .type = MetricType::kHistogram, .unit = ""}, "test");
  family.histograms.push_back({.upper_bounds = batch.Bounds(std::array{-1.0, 1.0}),
                               .counts = batch.Counts(std::array<uint64_t, 3>{1, 2, 3}),
                               .sum = int64_t{-4}});
  return batch;
}

TEST(TextWriterTest, OpenMetricsHasNoSumThatMayFall) {
  EXPECT_EQ(Text(HistogramFromMinusOne(), kOpen),
            "# HELP h Help.\n# TYPE h histogram\nh_bucket{le=\"-1.0\"} 1\nh_bucket{le=\"1.0\"} 3\n"
            "h_bucket{le=\"+Inf\"} 6\n# EOF\n");
  EXPECT_EQ(Text(HistogramFromMinusOne(), kOld),
            "# HELP h Help.\n# TYPE h histogram\nh_bucket{le=\"-1\"} 1\nh_bucket{le=\"1\"} 3\n"
            "h_bucket{le=\"+Inf\"} 6\nh_sum -4\nh_count 6\n");
}

TEST(TextWriterTest, PromtoolFindsNothing) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "promtool is missing (package prometheus)";
  }
  const std::string path = testing::TempDir() + fmt::format("text_writer_test.{}", getpid());
  std::ofstream(path) << Text(Example(), kOld);
  const std::string command = fmt::format("promtool check metrics < '{}' 2>&1", path);
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string findings;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    findings += static_cast<char>(c);
  }
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_EQ(findings, "");
  (void)std::remove(path.c_str());
}

}  // namespace
}  // namespace bpftally
