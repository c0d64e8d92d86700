#include "programs/run/program_runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "kernel/fake_bpf_sys.h"
#include "kernel/map_handle.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class FakeLoadedProgram final : public LoadedProgram {
 public:
  const std::vector<AttachStatus>& statuses() const override { return statuses_; }
  const std::vector<MapHandle>& maps() const override { return maps_; }
  Result<ProgramRunStats> RunStats(size_t) override {
    return ProgramRunStats{.run_time_ns = 2'500'000'000, .run_count = 17};
  }
  Result<void> RunIterators(std::chrono::steady_clock::time_point, const Clock&) override {
    return iterators_;
  }

  std::vector<AttachStatus> statuses_;
  std::vector<MapHandle> maps_;
  Result<void> iterators_;
};

std::vector<std::byte> Bytes(auto number) {
  std::vector<std::byte> bytes(sizeof number);
  std::memcpy(bytes.data(), &number, bytes.size());
  return bytes;
}

MetricPlan Counter(std::string name, std::string map = "counts") {
  return {.name = std::move(name),
          .help = "Counts.",
          .map = std::move(map),
          .labels = {{"id", {0, 4}, {{.name = "uint"}}}},
          .key_size = 4};
}

class ProgramRunnerTest : public testing::Test {
 protected:
  // A hash map of the fake kernel with the entries (key, value).
  MapHandle MakeMap(std::string name, std::vector<std::pair<uint32_t, uint64_t>> entries) {
    const uint32_t id = next_id_++;
    FakeMap& map = sys_.maps[id];
    map.info.type = BPF_MAP_TYPE_HASH;
    map.info.key_size = 4;
    for (const auto& [key, value] : entries) map.entries.push_back({Bytes(key), Bytes(value)});
    fds_.push_back(std::move(*sys_.OpenById(ObjectKind::kMap, id)));
    return {.name = std::move(name),
            .fd = fds_.back().get(),
            .id = id,
            .type = BPF_MAP_TYPE_HASH,
            .key_size = 4,
            .value_size = 8,
            .max_entries = 100};
  }

  static std::unique_ptr<FakeLoadedProgram> Loaded(std::vector<MapHandle> maps) {
    auto loaded = std::make_unique<FakeLoadedProgram>();
    loaded->maps_ = std::move(maps);
    return loaded;
  }

  // The samples of one family as "label=value,... number".
  std::vector<std::string> Lines(std::string_view name) const {
    std::vector<std::string> lines;
    const auto family = std::ranges::find(batch_.families(), name,
                                          [](const MetricFamily& f) { return f.spec.name; });
    if (family == batch_.families().end()) return {"no family " + std::string(name)};
    for (const Sample& sample : family->samples) {
      std::vector<std::string> labels;
      for (size_t i = 0; i < family->spec.label_names.size(); ++i)
        labels.push_back(fmt::format("{}={}", family->spec.label_names[i], sample.labels[i]));
      lines.push_back(std::visit(
          [&](auto value) { return fmt::format("{} {}", fmt::join(labels, ","), value); },
          sample.value));
    }
    return lines;
  }

  Result<void> Collect(seconds patience = seconds(60)) { return Collect(runner_, patience); }
  Result<void> Collect(ProgramRunner& runner, seconds patience = seconds(60)) {
    batch_ = {};
    return runner.Collect(clock_.After(patience), batch_);
  }

  FakeBpfSys sys_;
  TickingClock clock_;
  uint32_t next_id_ = 1;
  std::vector<UniqueFd> fds_;
  ProgramRunner runner_{{.sys = sys_, .clock = clock_, .sources = {}, .event_sources = {}},
                        {.max_series = 5}};
  ProgramRunner roomy_{{.sys = sys_, .clock = clock_, .sources = {}, .event_sources = {}}, {}};
  MetricBatch batch_;
};

TEST_F(ProgramRunnerTest, ReadsEveryMetricOfEveryProgram) {
  runner_.Add({.name = "a", .metrics = {Counter("one", "m1"), Counter("two", "m2")}},
              Loaded({MakeMap("m1", {{1, 10}}), MakeMap("m2", {{2, 20}})}));
  runner_.Add({.name = "b", .metrics = {Counter("three")}}, Loaded({MakeMap("counts", {{3, 30}})}));
  ASSERT_TRUE(Collect());
  EXPECT_THAT(Lines("one"), ElementsAre("id=1 10"));
  EXPECT_THAT(Lines("two"), ElementsAre("id=2 20"));
  EXPECT_THAT(Lines("three"), ElementsAre("id=3 30"));
  for (const MetricFamily& family : batch_.families())
    EXPECT_EQ(family.collector, "metric-programs") << family.spec.name;
}

TEST_F(ProgramRunnerTest, OneNameInTwoProgramsIsOneFamily) {
  runner_.Add({.name = "a", .metrics = {Counter("hits")}},
              Loaded({MakeMap("counts", {{1, 10}, {2, 20}})}));
  runner_.Add({.name = "b", .metrics = {Counter("hits")}},
              Loaded({MakeMap("counts", {{2, 99}, {3, 30}})}));
  ASSERT_TRUE(Collect());
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10", "id=2 20", "id=3 30"));
  EXPECT_EQ(std::ranges::count(batch_.families(), "hits",
                               [](const MetricFamily& f) { return f.spec.name; }),
            1);
  EXPECT_THAT(Lines("bpftally_program_series_dropped_total"),
              ElementsAre("config=b,metric=hits,reason=duplicate 1"));
}

TEST_F(ProgramRunnerTest, OneNameTwiceInAConfigurationIsOneFamilyWithEachSeriesOnce) {
  roomy_.Add({.name = "a", .metrics = {Counter("hits"), Counter("hits")}},
             Loaded({MakeMap("counts", {{1, 10}, {2, 20}})}));
  ASSERT_TRUE(Collect(roomy_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10", "id=2 20"));
  EXPECT_THAT(Lines("bpftally_program_series_dropped_total"),
              ElementsAre("config=a,metric=hits,reason=duplicate 2"));
}

TEST_F(ProgramRunnerTest, OneNameInTwoProgramsMayDecodeDifferently) {
  MetricPlan named = Counter("hits");
  named.labels[0].decoders.push_back(
      {.name = "static_map", .static_map = {{{"1", "one"}, {"2", "two"}}}});
  roomy_.Add({.name = "a", .metrics = {Counter("hits")}}, Loaded({MakeMap("counts", {{1, 10}})}));
  roomy_.Add({.name = "b", .metrics = {named}}, Loaded({MakeMap("counts", {{1, 11}, {2, 12}})}));
  ASSERT_TRUE(Collect(roomy_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10", "id=one 11", "id=two 12"));
}

TEST_F(ProgramRunnerTest, OneNameWithTwoMeaningsKeepsTheFirst) {
  MetricPlan other = Counter("hits");
  other.help = "Something else.";
  runner_.Add({.name = "a", .metrics = {Counter("hits")}}, Loaded({MakeMap("counts", {{1, 10}})}));
  runner_.Add({.name = "b", .metrics = {other}}, Loaded({MakeMap("counts", {{2, 20}})}));
  EXPECT_TRUE(Collect());
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10"));
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              ElementsAre("config=b,metric=hits,reason=invalid 1"));
}

TEST_F(ProgramRunnerTest, ABrokenMetricHidesNoOther) {
  MetricPlan broken = Counter("broken", "m1");
  broken.labels[0].decoders = {{.name = "uint"}, {.name = "syscall"}};
  broken.labels[0].field = {0, 8};  // longer than the key
  runner_.Add({.name = "a", .metrics = {broken, Counter("fine", "m2")}},
              Loaded({MakeMap("m1", {{1, 10}}), MakeMap("m2", {{2, 20}})}));
  const auto collected = Collect();
  ASSERT_FALSE(collected);
  EXPECT_THAT(collected.error().message, HasSubstr("1 metrics are missing; the first is broken"));
  EXPECT_THAT(Lines("broken"), IsEmpty());
  EXPECT_THAT(Lines("fine"), ElementsAre("id=2 20"));
  EXPECT_THAT(Lines("ebpf_exporter_decoder_errors_total"), ElementsAre("config=a 1"));
  ASSERT_FALSE(Collect());
  EXPECT_THAT(Lines("ebpf_exporter_decoder_errors_total"), ElementsAre("config=a 2"));
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              ElementsAre("config=a,metric=broken,reason=invalid 2"));
}

TEST_F(ProgramRunnerTest, AMapThatCannotBeReadIsNoDecoderError) {
  runner_.Add({.name = "a", .metrics = {Counter("hits")}}, Loaded({MakeMap("counts", {{1, 10}})}));
  sys_.Inject({.method = Method::kLookupBatch, .sys_errno = EPERM, .times = 1});
  EXPECT_FALSE(Collect());
  EXPECT_THAT(Lines("hits"), IsEmpty());
  EXPECT_THAT(Lines("ebpf_exporter_decoder_errors_total"), ElementsAre("config=a 0"));
  ASSERT_TRUE(Collect());
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10"));
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              ElementsAre("config=a,metric=hits,reason=permission 1"));
}

TEST_F(ProgramRunnerTest, WhatAnIteratorLeftHalfFilledIsMissingAndNothingElseIs) {
  auto filled = Loaded({MakeMap("m1", {{1, 10}}), MakeMap("m2", {{2, 20}})});
  FakeLoadedProgram& iterator = *filled;
  runner_.Add({.name = "a", .metrics = {Counter("one", "m1"), Counter("two", "m2")}},
              std::move(filled));
  runner_.Add({.name = "b", .metrics = {Counter("three")}}, Loaded({MakeMap("counts", {{3, 30}})}));
  iterator.iterators_ = std::unexpected(Error{ErrorKind::kExhausted, ENOMEM, "no room"});
  const auto collected = Collect();
  ASSERT_FALSE(collected);
  EXPECT_THAT(collected.error().message, HasSubstr("2 metrics are missing; the first is one"));
  EXPECT_THAT(collected.error().message, HasSubstr("no room"));
  EXPECT_THAT(Lines("one"), IsEmpty());
  EXPECT_THAT(Lines("two"), IsEmpty());
  EXPECT_THAT(Lines("three"), ElementsAre("id=3 30"));
  const auto missing = ElementsAre("config=a,metric=one,reason=exhausted 1",
                                   "config=a,metric=two,reason=exhausted 1");
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"), missing);

  iterator.iterators_ = {};
  ASSERT_TRUE(Collect());
  EXPECT_THAT(Lines("one"), ElementsAre("id=1 10"));
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"), missing);
}

TEST_F(ProgramRunnerTest, WhatIsKnownToBeUnusableFailsNoLookButIsCounted) {
  MetricPlan unusable = Counter("never");
  unusable.unusable = Error{ErrorKind::kInvalid, 0, "sizes"};
  runner_.Add({.name = "a", .metrics = {unusable, Counter("no_map", "absent")}},
              Loaded({MakeMap("counts", {{1, 10}})}));
  EXPECT_TRUE(Collect());
  EXPECT_THAT(Lines("never"), IsEmpty());
  EXPECT_THAT(Lines("ebpf_exporter_decoder_errors_total"), ElementsAre("config=a 2"));
}

TEST_F(ProgramRunnerTest, KeepsTheDeadlineAndSaysWhatIsMissing) {
  runner_.Add({.name = "a", .metrics = {Counter("one", "m1"), Counter("two", "m2")}},
              Loaded({MakeMap("m1", {{1, 10}}), MakeMap("m2", {{2, 20}})}));
  clock_.step = seconds(1);
  const auto collected = Collect(seconds(4));
  ASSERT_FALSE(collected);
  EXPECT_EQ(collected.error().kind, ErrorKind::kExhausted);
  EXPECT_THAT(Lines("one"), ElementsAre("id=1 10"));
  EXPECT_THAT(Lines("two"), IsEmpty());
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              ElementsAre("config=a,metric=two,reason=exhausted 1"));
}

TEST_F(ProgramRunnerTest, Fault13TheLimitOfSeriesIsOneForAll) {
  runner_.Add({.name = "a", .metrics = {Counter("one", "m1"), Counter("two", "m2")}},
              Loaded({MakeMap("m1", {{1, 1}, {2, 1}, {3, 1}}),
                      MakeMap("m2", {{1, 1}, {2, 1}, {3, 1}, {4, 1}})}));
  ASSERT_TRUE(Collect());
  EXPECT_EQ(Lines("one").size(), 3U);
  EXPECT_EQ(Lines("two").size(), 2U);
  EXPECT_THAT(Lines("bpftally_program_series_dropped_total"),
              ElementsAre("config=a,metric=two,reason=limit 2"));
}

// Two metrics of one map; `width`: of the second one's label.
ProgramPlan TwoOfOneMap(size_t width = 4) {
  MetricPlan second = Counter("two");
  second.labels[0].field.size = width;
  return {.name = "a", .metrics = {Counter("one"), second}};
}

TEST_F(ProgramRunnerTest, MetricsOfOneMapAreReadAtOnce) {
  roomy_.Add(TwoOfOneMap(), Loaded({MakeMap("counts", {{1, 10}, {2, 20}})}));
  ASSERT_TRUE(Collect(roomy_));
  const int once = sys_.Calls(Method::kLookupBatch);
  EXPECT_THAT(Lines("one"), ElementsAre("id=1 10", "id=2 20"));
  EXPECT_EQ(Lines("two"), Lines("one"));
  EXPECT_THAT(Lines("bpftally_program_metric_entries"),
              ElementsAre("config=a,metric=one 2", "config=a,metric=two 2"));

  ProgramRunner alone({.sys = sys_, .clock = clock_, .sources = {}, .event_sources = {}}, {});
  alone.Add({.name = "a", .metrics = {Counter("one")}},
            Loaded({MakeMap("counts", {{1, 10}, {2, 20}})}));
  ASSERT_TRUE(Collect(alone));
  EXPECT_EQ(sys_.Calls(Method::kLookupBatch), 2 * once);
}

TEST_F(ProgramRunnerTest, OfMetricsOfOneMapEachFaresByItself) {
  roomy_.Add(TwoOfOneMap(8), Loaded({MakeMap("counts", {{1, 10}, {2, 20}})}));
  EXPECT_FALSE(Collect(roomy_));
  EXPECT_THAT(Lines("one"), ElementsAre("id=1 10", "id=2 20"));
  EXPECT_THAT(Lines("two"), IsEmpty());
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              ElementsAre("config=a,metric=two,reason=invalid 1"));

  sys_.Inject({.method = Method::kLookupBatch, .sys_errno = EPERM, .times = 1});
  EXPECT_FALSE(Collect(roomy_));
  EXPECT_THAT(Lines("one"), IsEmpty());
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              UnorderedElementsAre("config=a,metric=one,reason=permission 1",
                                   "config=a,metric=two,reason=invalid 1",
                                   "config=a,metric=two,reason=permission 1"));
  EXPECT_FALSE(Collect(roomy_));
  EXPECT_THAT(Lines("one"), ElementsAre("id=1 10", "id=2 20")) << "nothing stays of a former look";
}

TEST_F(ProgramRunnerTest, WhereSeriesAreFewTheFirstMetricOfAMapHasItsOwn) {
  runner_.Add(TwoOfOneMap(), Loaded({MakeMap("counts", {{1, 1}, {2, 1}, {3, 1}})}));
  ASSERT_TRUE(Collect());
  EXPECT_EQ(Lines("one").size(), 3U);
  EXPECT_EQ(Lines("two").size(), 2U);
  EXPECT_THAT(Lines("bpftally_program_series_dropped_total"),
              ElementsAre("config=a,metric=two,reason=limit 1"));
}

TEST_F(ProgramRunnerTest, TellsOfTheProgramsLikeEbpfExporter) {
  auto loaded = Loaded({MakeMap("counts", {})});
  loaded->statuses_ = {
      {.program = "on_exec", .section = "tp/exec", .id = 71, .tag = "00ff", .attached = true},
      {.program = "on_exit", .section = "tp/exit", .id = 72, .tag = "11ee"},
      {.program = "refused", .section = "kprobe/x"}};
  runner_.Add(
      {.name = "a",
       .programs = {{"on_exec", "tp/exec"}, {"on_exit", "tp/exit"}, {"refused", "kprobe/x"}},
       .metrics = {Counter("hits")}},
      std::move(loaded));
  runner_.AddFailed({.name = "b", .programs = {{"first", "tp/x"}, {"second", "tp/y"}}});
  ASSERT_TRUE(Collect());
  EXPECT_THAT(Lines("ebpf_exporter_enabled_configs"), ElementsAre("name=a 1", "name=b 1"));
  EXPECT_THAT(Lines("ebpf_exporter_ebpf_program_info"),
              ElementsAre("config=a,id=71,program=on_exec,tag=00ff 1",
                          "config=a,id=72,program=on_exit,tag=11ee 1"));
  EXPECT_THAT(Lines("ebpf_exporter_ebpf_program_attached"), ElementsAre("id=71 1", "id=72 0"));
  EXPECT_THAT(Lines("bpftally_program_config_success"), ElementsAre("config=a 1", "config=b 0"));
  EXPECT_THAT(Lines("bpftally_program_attached"),
              ElementsAre("config=a,program=on_exec,section=tp/exec 1",
                          "config=a,program=on_exit,section=tp/exit 0",
                          "config=a,program=refused,section=kprobe/x 0",
                          "config=b,program=first,section=tp/x 0",
                          "config=b,program=second,section=tp/y 0"));
  EXPECT_THAT(Lines("ebpf_exporter_ebpf_program_run_count_total"),
              ElementsAre("no family ebpf_exporter_ebpf_program_run_count_total"));

  sys_.files["/proc/sys/kernel/bpf_stats_enabled"] = "1\n";
  ASSERT_TRUE(Collect());
  EXPECT_THAT(Lines("ebpf_exporter_ebpf_program_run_count_total"), Contains("id=71 17"));
  EXPECT_THAT(Lines("ebpf_exporter_ebpf_program_run_time_seconds"), Contains("id=71 2.5"));
}

}  // namespace
}  // namespace bpftally
