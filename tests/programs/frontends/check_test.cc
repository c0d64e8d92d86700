#include "programs/frontends/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "build_paths.h"
#include "programs/frontends/ebpf_exporter/plan_fixture.h"
#include "programs/frontends/ebpf_exporter/planner.h"
#include "programs/object/object_facts.h"
#include "programs/plan/conflicts.h"
#include "programs/plan/plan.h"
#include "yaml/tree.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kGood = R"(metrics:
  counters:
    - name: plain
      help: Plain
      labels:
        - name: slot
          size: 4
          decoders:
            - name: uint
)";

class CheckTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Writes a configuration with the tests' object beside it, and returns its path.
  std::string Write(const std::string& name, std::string_view yaml) const {
    std::filesystem::copy_file(BPFTALLY_TEST_OBJECTS "/facts_subject.bpf.o",
                               folder_ / (name + ".bpf.o"),
                               std::filesystem::copy_options::overwrite_existing);
    std::string path = folder_ / (name + ".yaml");
    std::ofstream(path, std::ios::binary) << yaml;
    return path;
  }

  static CheckReport Check(const std::vector<std::string>& files, const KernelCheck& check = {}) {
    return CheckFiles(files, check);
  }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("check_" + std::to_string(::getpid()));
};

TEST_F(CheckTest, AGoodFileIsSummedUp) {
  const std::string file = Write("good", kGood);
  const CheckReport report = Check({file});
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(ToText(report), file + ": 1 metric, 5 maps, 2 programs\n");
}

TEST_F(CheckTest, FindingsHaveTheirPlace) {
  const std::string file = Write("bad", R"(metrics:
  counters:
    - name: plan
      help: No map
    - name: plain
      help: Plain
      colour: red
)");
  const CheckReport report = Check({file});
  EXPECT_FALSE(report.ok());
  EXPECT_EQ(ToText(report),
            file + ":7:7: warning: unknown key \"colour\" is ignored\n" + file +
                ":3:7: error: counter \"plan\": " + (folder_ / "bad.bpf.o").string() +
                " has no map of this name (did you mean \"plain\"?)\n" + file +
                ":5:7: warning: counter \"plain\": without labels from its key, it needs an array "
                "of one entry, but max_entries is 3\n" +
                file + ": 2 metrics, 5 maps, 2 programs, 1 error, 2 warnings\n");
}

TEST_F(CheckTest, SaysThePaddingThatWasForgotten) {
  const std::string file = Write("padding", R"(metrics:
  counters:
    - name: a_name_longer_than_the_kernel_keeps
      help: Padded
      labels:
        - {name: kind, size: 1, decoders: [{name: uint}]}
        - {name: id, size: 8, decoders: [{name: uint}]}
        - {name: inner, size: 6, padding: 2, decoders: [{name: hex}]}
)");
  EXPECT_THAT(ToText(Check({file})),
              HasSubstr(file + ":6:11: warning: counter \"a_name_longer_than_the_kernel_keeps\": "
                               "label \"kind\" needs padding: 7 after field \"kind\"\n"));
}

TEST_F(CheckTest, FilesThatAreNotThere) {
  EXPECT_EQ(ToText(Check({"/nowhere/x.yaml"})),
            "/nowhere/x.yaml: error: cannot read it: No such file or directory\n"
            "/nowhere/x.yaml: 0 metrics, 0 maps, 0 programs, 1 error\n");
  const std::string file = Write("alone", kGood);
  std::filesystem::remove(folder_ / "alone.bpf.o");
  EXPECT_THAT(ToText(Check({file})), HasSubstr("alone.bpf.o: No such file or directory\n"));
  EXPECT_THAT(ToText(Check({folder_})), HasSubstr("error: this is no regular file\n"));
}

TEST_F(CheckTest, AMistakeInTheYamlDoesNotHideOthers) {
  const std::string file = Write("two", R"(metrics:
  counters:
    - name: plain
      help: Plain
      labels:
        - {name: slot, size: four, decoders: [{name: uint}]}
    - {name: gone, help: Gone}
)");
  const CheckReport report = Check({file});
  EXPECT_THAT(Messages(report.findings),
              ElementsAre(HasSubstr("size is \"four\""), HasSubstr("no map of this name")))
      << "and not that the label has no size";
}

TEST_F(CheckTest, FilesAreCheckedTogether) {
  const std::string a = Write("a", kGood);
  std::string other(kGood);
  other.replace(other.find("Plain"), 5, "Other");
  const std::string b = Write("b", other);
  EXPECT_THAT(Messages(Check({a, b}).findings),
              ElementsAre("error " + b +
                          ":3:7: metric \"ebpf_exporter_plain\": another help text "
                          "than at " +
                          a + ":3:7"));
  EXPECT_TRUE(Check({a}).ok());
}

TEST_F(CheckTest, TheKernelIsAskedOnlyOfWhatIsRight) {
  const std::string good = Write("good", kGood);
  const std::string bad = Write("bad", "metrics: {counters: [{name: gone, help: h}]}");
  std::vector<std::string> asked;
  const CheckReport report = Check({good, bad}, [&](const ProgramPlan& plan) {
    asked.push_back(plan.name);
    return Findings{{.file = plan.file, .message = "the verifier says no"}};
  });
  EXPECT_THAT(asked, ElementsAre("good"));
  EXPECT_THAT(ToText(report), HasSubstr(good + ": error: the verifier says no\n"));
  EXPECT_FALSE(report.ok());
}

TEST_F(CheckTest, Json) {
  const std::string file = Write("json", std::string(kGood) + "\"a\\\"\\x01\\\\b\": x\n");
  const std::string json = ToJson(Check({file}));
  // JSON is YAML, and the strict reader accepts no sloppy JSON.
  const auto tree = ParseYaml(json);
  ASSERT_TRUE(tree) << tree.error().message << "\n" << json;
  EXPECT_EQ(tree->Find("ok")->text, "true");
  const YamlNode& first = tree->Find("files")->items.at(0);
  EXPECT_EQ(first.Find("file")->text, file);
  const YamlNode& metric = first.Find("metrics")->items.at(0);
  EXPECT_EQ(metric.Find("name")->text, "ebpf_exporter_plain");
  EXPECT_EQ(metric.Find("type")->text, "counter");
  EXPECT_EQ(metric.Find("map")->text, "plain");
  EXPECT_EQ(metric.Find("labels")->items.at(0).text, "slot");
  EXPECT_EQ(metric.Find("usable")->text, "true");
  EXPECT_THAT(first.Find("maps")->items, SizeIs(5));
  EXPECT_EQ(first.Find("programs")->items.at(0).Find("section")->text, "tp/oom/mark_victim");
  const YamlNode& finding = tree->Find("findings")->items.at(0);
  EXPECT_EQ(finding.Find("severity")->text, "warning");
  EXPECT_EQ(finding.Find("line")->text, "10");
  EXPECT_EQ(finding.Find("column")->text, "1");
  EXPECT_EQ(finding.Find("message")->text, "unknown key \"a\" \\b\" is ignored");
}

// Names that two programs share.

ProgramPlan PlanNamed(const std::string& file, std::string_view yaml) {
  return PlanYaml(yaml, {.maps = {Map("m"), Map("m_count")}}, file).plan;
}

std::vector<std::string> Together(std::string_view a, std::string_view b) {
  const std::vector<ProgramPlan> plans = {PlanNamed("a.yaml", a), PlanNamed("b.yaml", b)};
  return Messages(CheckTogether(plans));
}

constexpr std::string_view kCounter = "metrics: {counters: [{name: m, help: h}]}";

TEST(CheckTogether, OneNameOneMeaning) {
  EXPECT_THAT(Together(kCounter, kCounter), IsEmpty());
  EXPECT_THAT(Together(kCounter, "metrics: {counters: [{name: m, help: g}]}"),
              ElementsAre("error b.yaml:1:22: metric \"ebpf_exporter_m\": another help text than "
                          "at a.yaml:1:22"));
  EXPECT_THAT(Together(kCounter, "metrics: {counters: [{name: m, help: h, labels: [{name: a}]}]}"),
              ElementsAre(HasSubstr("another label names than at a.yaml")));
  EXPECT_THAT(Together(kCounter,
                       "metrics: {histograms: [{name: m, help: h, bucket_type: exp2, bucket_max: 1,"
                       " labels: [{name: s}]}]}"),
              ElementsAre(HasSubstr("another type than at a.yaml")));
}

TEST(CheckTogether, TheOrderOfLabelsDoesNotMatter) {
  const auto labels = [](std::string_view list) {
    return "metrics: {counters: [{name: m, help: h, labels: [" + std::string(list) + "]}]}";
  };
  EXPECT_THAT(Together(labels("{name: a}, {name: b}"), labels("{name: b}, {name: a}")), IsEmpty());
}

TEST(CheckTogether, PartsOfHistogramsAndOurOwnNames) {
  EXPECT_THAT(Together("metrics: {histograms: [{name: m, help: h, bucket_type: exp2, bucket_max: 1,"
                       " labels: [{name: s}]}]}",
                       "metrics: {counters: [{name: m_count, help: h}]}"),
              ElementsAre(HasSubstr("error b.yaml:1:22: metric \"ebpf_exporter_m_count\": this "
                                    "name is taken by a part of histogram \"ebpf_exporter_m\"")));
  EXPECT_THAT(Together(kCounter, "metrics: {counters: [{name: enabled_configs, help: h}]}"),
              ElementsAre(HasSubstr("this name is taken by a metric about programs")));
}

// A file may contain anything: it is refused or planned, and a plan stays in its bounds.

constexpr std::string_view kRich = R"(metrics:
  counters:
    - &c
      name: m
      help: "H"
      labels: [{name: a-b, size: 0x4, padding: 010, decoders: [{name: uint}, {name: static_map,
                static_map: {1: one, null: x}, allow_unknown: true}]}]
    - {<<: *c, perf_event_array: true, flush_interval: 1h30m, values: [{name: v, help: w}]}
  histograms:
    - {name: m_count, help: h, bucket_type: exp2zero, bucket_min: -3, bucket_max: 27,
       bucket_multiplier: 1e-6, bucket_keys: [1, 2.5], labels: [{name: s, size: 4,
       decoders: [{name: regexp, regexps: ['^(a)', '[']}]}]}
tracing: {spans: [{ringbuf: m, name: s, labels: [{name: trace_id, size: 16}]}]}
kaddrs: [one]
cgroup_id_map: {name: m, type: hash, regexps: ['.*']}
)";

std::string Mutate(std::string text, std::mt19937& random) {
  constexpr std::string_view kPieces[] = {
      "&c", "*c", "<<:",   "-",    ":",     "[",     "}",      "\n",  "  ",   "'",   "99999999999",
      "-1", "0x", "1e308", "null", "!!int", "fixed", "linear", "cpu", "\xff", "---", "#"};
  const auto below = [&](size_t n) { return random() % n; };
  for (size_t changes = 1 + below(4); changes > 0; --changes) {
    const size_t at = below(text.size());
    switch (below(4)) {
      case 0:
        text.erase(at, 1 + below(8));
        break;
      case 1:
        text[at] = static_cast<char>(random());
        break;
      case 2:
        text.insert(at, kPieces[below(std::size(kPieces))]);
        break;
      default:
        text.insert(at, text.substr(below(text.size()), below(40)));
    }
    if (text.empty()) text = "x";
  }
  return text;
}

TEST(CheckTogether, MutatedFilesDoNoHarm) {
  const ObjectFacts facts{.maps = {Map("m", BPF_MAP_TYPE_PERCPU_HASH),
                                   Map("m_count"),
                                   {.name = "s", .type = BPF_MAP_TYPE_RINGBUF}}};
  std::mt19937 random(1);
  size_t planned_metrics = 0;
  size_t with_errors = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Compiled planned = PlanYaml(Mutate(std::string(kRich), random), facts);
    const std::vector<ProgramPlan> plans = {planned.plan, planned.plan};
    (void)CheckTogether(plans);
    with_errors += HasErrors(planned.findings) ? 1 : 0;
    for (const SourcePlan& source : planned.plan.sources) {
      for (const MetricPlan& metric : source.metrics) {
        ++planned_metrics;
        const auto* histogram = std::get_if<HistogramPlan>(&metric.instrument);
        if (metric.unusable || HasErrors(planned.findings) || histogram == nullptr) continue;
        ASSERT_TRUE(std::ranges::is_sorted(histogram->buckets, {}, &BucketPlan::upper_bound));
        const FieldPlan& slot = std::get<SlotInKey>(histogram->source).slot.field;
        ASSERT_LE(slot.offset + slot.size, source.key_size);
      }
    }
  }
  EXPECT_GT(planned_metrics, 1000) << "most mutations no longer parse: they test nothing";
  EXPECT_GT(with_errors, 1000);
}

}  // namespace
}  // namespace bpftally
