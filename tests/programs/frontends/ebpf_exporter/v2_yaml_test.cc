#include "programs/frontends/ebpf_exporter/v2_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "build_paths.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): literals only
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

ParsedConfig Parse(std::string_view yaml) { return ParseEbpfExporterConfig(yaml, "dir/some.yaml"); }

std::vector<std::string> Messages(const ParsedConfig& parsed) {
  std::vector<std::string> messages;
  for (const Finding& finding : parsed.findings) {
    const bool error = finding.severity == Finding::Severity::kError;
    messages.push_back((error ? "error " : "warning ") + ToString(finding));
  }
  return messages;
}

// Returns a configuration of one counter with one label, whose YAML is given.
std::string WithLabel(std::string_view label) {
  return "metrics: {counters: [{name: c, help: h, labels: [" + std::string(label) + "]}]}";
}

LabelConfig ParseLabel(std::string_view label) {
  const ParsedConfig parsed = Parse(WithLabel(label));
  EXPECT_THAT(Messages(parsed), IsEmpty());
  return parsed.config.counters.at(0).labels.at(0);
}

DecoderConfig ParseDecoder(std::string_view decoder) {
  return ParseLabel("{decoders: [" + std::string(decoder) + "]}").decoders.at(0);
}

TEST(Dialect, ReadsEveryKey) {
  const ParsedConfig parsed = Parse(R"(
metrics:
  counters:
    - name: events
      help: Events
      perf_event_array: true
      flush_interval: 1h30m
      labels:
        - name: op
          size: 4
          padding: 2
          decoders:
            - name: static_map
              static_map: {1: one}
              allow_unknown: yes
            - name: regexp
              regexps: ['^a', b]
    - name: both
      labels: []
      values:
        - {name: first_total, help: First}
        - {name: second_total, help: Second}
  histograms:
    - name: latency
      help: Latency
      bucket_type: exp2
      bucket_min: -1
      bucket_max: 27
      bucket_multiplier: 1e-6
      bucket_keys: [1, 2.5]
tracing:
  spans:
    - ringbuf: ring
      name: a_span
      service: some
      labels:
        - {name: trace_id, size: 16, decoders: [{name: hex}]}
kaddrs: [one, two]
description: What it shows
needs: What it takes
cgroup_id_map:
  name: ids
  type: hash
  regexps: ['x$']
)");
  EXPECT_THAT(Messages(parsed), IsEmpty());
  const ProgramConfig& config = parsed.config;
  EXPECT_EQ(config.name, "some");
  EXPECT_EQ(config.file, "dir/some.yaml");
  EXPECT_EQ(config.object, "dir/some.bpf.o");

  ASSERT_THAT(config.counters, SizeIs(2));
  const CounterConfig& events = config.counters[0];
  EXPECT_EQ(events.name, "events");
  EXPECT_EQ(events.help, "Events");
  EXPECT_TRUE(events.perf_event_array);
  EXPECT_EQ(events.flush_interval, 90min);
  EXPECT_EQ(events.at.line, 4);
  EXPECT_EQ(events.at.column, 7);
  ASSERT_THAT(events.labels, SizeIs(1));
  EXPECT_EQ(events.labels[0].name, "op");
  EXPECT_EQ(events.labels[0].size, 4);
  EXPECT_EQ(events.labels[0].padding, 2);
  ASSERT_THAT(events.labels[0].decoders, SizeIs(2));
  const DecoderConfig& map = events.labels[0].decoders[0];
  EXPECT_EQ(map.name, "static_map");
  EXPECT_THAT(map.static_map.value(), ElementsAre(Pair("1", "one")));
  EXPECT_TRUE(map.allow_unknown);
  EXPECT_FALSE(map.regexps.has_value());
  EXPECT_EQ(map.at.line, 13);
  EXPECT_EQ(map.at.column, 15);
  EXPECT_THAT(events.labels[0].decoders[1].regexps.value(), ElementsAre("^a", "b"));
  ASSERT_THAT(config.counters[1].values, SizeIs(2));
  EXPECT_EQ(config.counters[1].values[1].name, "second_total");
  EXPECT_EQ(config.counters[1].values[1].help, "Second");
  EXPECT_EQ(config.counters[1].flush_interval, 1h) << "the default";

  ASSERT_THAT(config.histograms, SizeIs(1));
  const HistogramConfig& latency = config.histograms[0];
  EXPECT_EQ(latency.name, "latency");
  EXPECT_EQ(latency.bucket_type, "exp2");
  EXPECT_EQ(latency.bucket_min, -1);
  EXPECT_EQ(latency.bucket_max, 27);
  EXPECT_EQ(latency.bucket_multiplier, 1e-6);
  EXPECT_THAT(latency.bucket_keys, ElementsAre(1, 2.5));

  ASSERT_THAT(config.spans, SizeIs(1));
  EXPECT_EQ(config.spans[0].ringbuf, "ring");
  EXPECT_EQ(config.spans[0].service, "some");
  EXPECT_EQ(config.spans[0].labels.at(0).size, 16);
  EXPECT_THAT(config.kaddrs, ElementsAre("one", "two"));
  EXPECT_EQ(config.description, "What it shows");
  EXPECT_EQ(config.needs, "What it takes");
  ASSERT_TRUE(config.cgroup_id_map);
  EXPECT_EQ(config.cgroup_id_map->name, "ids");
  EXPECT_THAT(config.cgroup_id_map->regexps, ElementsAre("x$"));
}

TEST(Dialect, UnknownKeysAreIgnoredWithAHint) {
  const ParsedConfig parsed = Parse(R"(name: other
metrics:
  gauges: [{name: a}]
  counters:
    - name: c
      hepl: typo
      colour: red
)");
  EXPECT_THAT(Messages(parsed),
              ElementsAre("warning dir/some.yaml:3:3: unknown key \"gauges\" is ignored",
                          "warning dir/some.yaml:6:7: unknown key \"hepl\" is ignored (did you "
                          "mean \"help\"?)",
                          "warning dir/some.yaml:7:7: unknown key \"colour\" is ignored"));
  EXPECT_EQ(parsed.config.name, "some");
  EXPECT_THAT(parsed.config.counters, SizeIs(1));
}

TEST(Dialect, OfAKeyGivenTwiceTheLastCounts) {
  const ParsedConfig parsed = Parse("metrics: {counters: [{name: a, help: h, name: b}]}");
  EXPECT_EQ(parsed.config.counters.at(0).name, "b");
  EXPECT_THAT(Messages(parsed), ElementsAre("warning dir/some.yaml:1:41: a second \"name\" in one "
                                            "map: the last one counts"));
}

TEST(Dialect, AliasesAndMergeKeys) {
  const ParsedConfig parsed = Parse(R"(
metrics:
  counters:
    - name: a
      help: h
      labels:
        - &id
          name: id
          size: 4
        - {<<: *id, name: copy}
        - *id
        - {<<: [{size: 1, padding: 3}, {size: 2, name: low}]}
)");
  EXPECT_THAT(Messages(parsed), IsEmpty());
  const std::vector<LabelConfig>& labels = parsed.config.counters.at(0).labels;
  ASSERT_THAT(labels, SizeIs(4));
  EXPECT_EQ(labels[1].name, "copy");
  EXPECT_EQ(labels[1].size, 4);
  EXPECT_EQ(labels[2].name, "id");
  EXPECT_EQ(labels[3].name, "low");
  EXPECT_EQ(labels[3].size, 1) << "of a list of maps the first wins";
  EXPECT_EQ(labels[3].padding, 3);
}

TEST(Dialect, AMistakeBehindAnAliasIsSaidOnce) {
  EXPECT_THAT(Messages(Parse("metrics: {counters: [&c {name: a, hepl: x}, *c, {<<: *c}]}")),
              ElementsAre(HasSubstr("1:35: unknown key \"hepl\"")));
}

TEST(Dialect, OnlyTheFirstDocumentCounts) {
  const ParsedConfig parsed =
      Parse("metrics: {counters: []}\n---\nmetrics: {counters: [{name: second}]}\n");
  EXPECT_THAT(Messages(parsed), IsEmpty());
  EXPECT_THAT(parsed.config.counters, IsEmpty());
}

TEST(Dialect, Numbers) {
  const LabelConfig label = ParseLabel("{name: id, size: 010, padding: 0x4}");
  EXPECT_EQ(label.size, 8);
  EXPECT_EQ(label.padding, 4);
  EXPECT_EQ(ParseLabel("{size: 2_0}").size, 20);
  EXPECT_EQ(ParseLabel("{size: 4.7}").size, 4);
  EXPECT_EQ(ParseLabel("{size: null}").size, 0);
  EXPECT_EQ(ParseLabel("{size: !!int '4'}").size, 4);
}

TEST(Dialect, NumbersThatAreNone) {
  const auto error = [](std::string_view size) {
    return Messages(Parse(WithLabel("{size: " + std::string(size) + "}"))).at(0);
  };
  EXPECT_EQ(error("four"),
            "error dir/some.yaml:1:57: size is \"four\", expected a whole number, 0 or more, "
            "without quotes");
  EXPECT_THAT(error("'4'"), HasSubstr("size is \"4\" in quotes, expected a whole number"));
  EXPECT_THAT(error("!!str 4"), HasSubstr("size is \"4\" in quotes, expected a whole number"));
  EXPECT_THAT(error("-4"), HasSubstr("size is \"-4\", expected a whole number, 0 or more"));
  EXPECT_THAT(error("[4]"), HasSubstr("size is a list, expected a whole number"));
}

TEST(Dialect, TextIsRaw) {
  const auto map = ParseDecoder(
      "{static_map: {0x800: hex, 010: octal, 1.50: f, true: t, yes: y, null: empty, "
      "a: null}}");
  EXPECT_THAT(map.static_map.value(),
              ElementsAre(Pair("0x800", "hex"), Pair("010", "octal"), Pair("1.50", "f"),
                          Pair("true", "t"), Pair("yes", "y"), Pair("", "empty"), Pair("a", "")));
}

TEST(Dialect, AbsentAndEmptyDiffer) {
  EXPECT_FALSE(ParseDecoder("{name: static_map}").static_map.has_value());
  EXPECT_FALSE(ParseDecoder("{name: static_map, static_map: null}").static_map.has_value());
  EXPECT_THAT(ParseDecoder("{name: static_map, static_map: {}}").static_map.value(), IsEmpty());
  EXPECT_FALSE(ParseDecoder("{name: regexp}").regexps.has_value());
  EXPECT_THAT(ParseDecoder("{name: regexp, regexps: []}").regexps.value(), IsEmpty());
}

TEST(Dialect, StaticMapKeysGivenTwice) {
  const ParsedConfig parsed = Parse(WithLabel("{decoders: [{static_map: {1: a, 2: b, 1: c}}]}"));
  EXPECT_THAT(parsed.config.counters.at(0).labels.at(0).decoders.at(0).static_map.value(),
              ElementsAre(Pair("1", "c"), Pair("2", "b")));
  EXPECT_THAT(Messages(parsed), SizeIs(1));
}

TEST(Dialect, Durations) {
  const auto interval = [](std::string_view text) {
    const ParsedConfig parsed =
        Parse("metrics: {counters: [{flush_interval: " + std::string(text) + "}]}");
    return HasErrors(parsed.findings) ? -1ns : parsed.config.counters.at(0).flush_interval;
  };
  EXPECT_EQ(interval("10m"), 10min);
  EXPECT_EQ(interval("1h30m"), 90min);
  EXPECT_EQ(interval("1500"), 1500ns);
  EXPECT_EQ(interval("0"), 1h);
  EXPECT_EQ(interval("soon"), -1ns);
  EXPECT_EQ(interval("-5"), -1ns);
  EXPECT_EQ(interval("[1m]"), -1ns);
}

TEST(Dialect, NothingToDoIsAnError) {
  for (const char* yaml :
       {"", "kaddrs: []", "metrics:", "metrics: {counters: }", "---\n", "null", "tracing: {}"}) {
    EXPECT_THAT(
        Messages(Parse(yaml)),
        ElementsAre(
            "error dir/some.yaml: no metrics.counters, metrics.histograms or tracing.spans"))
        << yaml;
  }
  EXPECT_THAT(Messages(Parse("metrics: {histograms: []}")), IsEmpty());
  EXPECT_THAT(Messages(Parse("tracing: {spans: []}")), IsEmpty());
}

TEST(Dialect, EveryMistakeIsFoundAtItsPlace) {
  EXPECT_THAT(Messages(Parse(R"(metrics:
  counters:
    - name: [a]
      perf_event_array: maybe
      labels: {name: x}
    - text
  histograms: 5
kaddrs: {a: b}
)")),
              ElementsAre("error dir/some.yaml:3:13: name is a list, expected a text",
                          "error dir/some.yaml:4:25: perf_event_array is \"maybe\", expected true "
                          "or false",
                          "error dir/some.yaml:5:15: labels is a map, expected a list",
                          "error dir/some.yaml:6:7: counters is \"text\", expected a map",
                          "error dir/some.yaml:7:15: histograms is \"5\", expected a list",
                          "error dir/some.yaml:8:9: kaddrs is a map, expected a list"));
}

TEST(Dialect, BrokenYaml) {
  EXPECT_THAT(Messages(Parse("metrics:\n  counters: [}\n")),
              ElementsAre(HasSubstr("error dir/some.yaml:2:14: ")));
  EXPECT_THAT(Messages(Parse("metrics: *nobody")),
              ElementsAre(HasSubstr("error dir/some.yaml:1:")));
  EXPECT_THAT(Messages(Parse("\xff")), ElementsAre("error dir/some.yaml:1:1: not UTF-8"));
  EXPECT_THAT(Messages(Parse("{[a]: b}")), ElementsAre(HasSubstr("a key that is not a word")));
}

TEST(Dialect, AliasesOfThemselvesAreRefused) {
  EXPECT_THAT(Messages(Parse("metrics: &m {counters: *m}")),
              ElementsAre("error dir/some.yaml:1:24: an alias inside what it stands for is not "
                          "allowed here"));
}

TEST(Dialect, AliasBombsAreRefused) {
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string inner = "*a" + std::to_string(i - 1);
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + inner;
    for (int j = 1; j < 10; ++j) yaml += ", " + inner;
    yaml += "]\n";
  }
  EXPECT_THAT(Messages(Parse(yaml)), ElementsAre(HasSubstr("bytes of")));
}

TEST(Dialect, ManyAliasesOfALongTextAreRefused) {
  std::string yaml = "a: &a " + std::string(100'000, 'x') + "\nkaddrs: [";
  for (int i = 0; i < 1000; ++i) yaml += "*a,";
  EXPECT_THAT(Messages(Parse(yaml + "]")), ElementsAre(HasSubstr("bytes of aliases")));
}

TEST(Dialect, DepthIsBoundedThroughAliases) {
  std::string yaml = "a0: &a0 [x]\n";
  for (int i = 1; i < 100; ++i) {
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            "]\n";
  }
  EXPECT_THAT(Messages(Parse(yaml)), ElementsAre(HasSubstr("nesting deeper than")));
  EXPECT_THAT(Messages(Parse(std::string(10'000, '['))),
              ElementsAre(HasSubstr("nesting deeper than")));
}

TEST(Dialect, ReadsWhatWasRecordedFromTheOriginal) {
  const std::filesystem::path cases = BPFTALLY_SOURCE_DIR "/tests/golden/ebpf_exporter";
  if (!std::filesystem::exists(cases)) GTEST_SKIP() << cases << " is missing";
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(cases)) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    std::ifstream stream(entry.path());
    const std::string yaml{std::istreambuf_iterator<char>(stream), {}};
    const ParsedConfig parsed = ParseEbpfExporterConfig(yaml, entry.path());
    const std::string name = parsed.config.name;
    const bool refused = name == "refuse_yaml" || name == "refuse_no_metrics";
    EXPECT_EQ(HasErrors(parsed.findings), refused) << name;
  }
  EXPECT_GT(files, 60);
}

TEST(Dialect, FindingsAreBounded) {
  std::string yaml = "metrics: {counters: []}\n";
  for (int i = 0; i < 10'000; ++i) yaml += "unknown" + std::to_string(i) + ": x\n";
  yaml += "kaddrs: {}\n";
  const ParsedConfig parsed = Parse(yaml);
  EXPECT_LT(parsed.findings.size(), 1000);
  EXPECT_TRUE(HasErrors(parsed.findings)) << "an error is never crowded out by warnings";
}

}  // namespace
}  // namespace bpftally
