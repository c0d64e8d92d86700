#include "programs/run/program_table.h"

#include "programs/run/fake_programs.h"

namespace bpftally {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class ProgramTableTest : public FakeProgramsTest {
 protected:
  ProgramTable table_{Host(), {.max_series = 5}};
  ProgramTable roomy_{Host(), {}};
};

TEST_F(ProgramTableTest, ReadsEveryMetricOfEveryProgram) {
  Add(table_, {.name = "a", .sources = {Counter("one", "m1"), Counter("two", "m2")}},
      Loaded({MakeMap("m1", {{1, 10}}), MakeMap("m2", {{2, 20}})}));
  Add(table_, {.name = "b", .sources = {Counter("three")}}, Loaded({MakeMap("counts", {{3, 30}})}));
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("one"), ElementsAre("id=1 10"));
  EXPECT_THAT(Lines("two"), ElementsAre("id=2 20"));
  EXPECT_THAT(Lines("three"), ElementsAre("id=3 30"));
  for (const MetricFamily& family : batch_.families())
    EXPECT_EQ(family.collector, "metric-programs") << family.spec.name;
}

TEST_F(ProgramTableTest, OneNameInTwoProgramsIsOneFamily) {
  Add(table_, {.name = "a", .sources = {Counter("hits")}},
      Loaded({MakeMap("counts", {{1, 10}, {2, 20}})}));
  Add(table_, {.name = "b", .sources = {Counter("hits")}},
      Loaded({MakeMap("counts", {{2, 99}, {3, 30}})}));
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10", "id=2 20", "id=3 30"));
  EXPECT_EQ(std::ranges::count(batch_.families(), "hits",
                               [](const MetricFamily& f) { return f.spec.name; }),
            1);
  EXPECT_THAT(Lines("bpftally_program_series_dropped_total"),
              ElementsAre("config=b,metric=hits,reason=duplicate 1"));
}

TEST_F(ProgramTableTest, ANameTwiceIsOneFamilyWithEachSeriesOnce) {
  Add(roomy_, {.name = "a", .sources = {Counter("hits"), Counter("hits")}},
      Loaded({MakeMap("counts", {{1, 10}, {2, 20}})}));
  ASSERT_TRUE(Collect(roomy_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10", "id=2 20"));
  EXPECT_THAT(Lines("bpftally_program_series_dropped_total"),
              ElementsAre("config=a,metric=hits,reason=duplicate 2"));
}

TEST_F(ProgramTableTest, OneNameInTwoProgramsMayDecodeDifferently) {
  SourcePlan named = Counter("hits");
  named.metrics[0].labels[0].decoders.push_back(
      {.name = "static_map", .argument = TextMap{{"1", "one"}, {"2", "two"}}});
  Add(roomy_, {.name = "a", .sources = {Counter("hits")}}, Loaded({MakeMap("counts", {{1, 10}})}));
  Add(roomy_, {.name = "b", .sources = {named}}, Loaded({MakeMap("counts", {{1, 11}, {2, 12}})}));
  ASSERT_TRUE(Collect(roomy_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10", "id=one 11", "id=two 12"));
}

TEST_F(ProgramTableTest, OneNameWithTwoMeaningsKeepsTheFirst) {
  SourcePlan other = Counter("hits");
  other.metrics[0].help = "Something else.";
  Add(table_, {.name = "a", .sources = {Counter("hits")}}, Loaded({MakeMap("counts", {{1, 10}})}));
  Add(table_, {.name = "b", .sources = {other}}, Loaded({MakeMap("counts", {{2, 20}})}));
  EXPECT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10"));
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              ElementsAre("config=b,metric=hits,reason=invalid 1"));
}

TEST_F(ProgramTableTest, ABrokenMetricHidesNoOther) {
  SourcePlan broken = Counter("broken", "m1");
  broken.metrics[0].labels[0].decoders = {{.name = "uint"}, {.name = "syscall"}};
  broken.metrics[0].labels[0].field = {0, 8};  // longer than the key
  Add(table_, {.name = "a", .sources = {broken, Counter("fine", "m2")}},
      Loaded({MakeMap("m1", {{1, 10}}), MakeMap("m2", {{2, 20}})}));
  const auto collected = Collect(table_);
  ASSERT_FALSE(collected);
  EXPECT_THAT(collected.error().message, HasSubstr("1 metrics are missing; the first is broken"));
  EXPECT_THAT(Lines("broken"), IsEmpty());
  EXPECT_THAT(Lines("fine"), ElementsAre("id=2 20"));
  EXPECT_THAT(Lines("ebpf_exporter_decoder_errors_total"), ElementsAre("config=a 1"));
  ASSERT_FALSE(Collect(table_));
  EXPECT_THAT(Lines("ebpf_exporter_decoder_errors_total"), ElementsAre("config=a 2"));
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              ElementsAre("config=a,metric=broken,reason=invalid 2"));
}

TEST_F(ProgramTableTest, AMapThatCannotBeReadIsNoDecoderError) {
  Add(table_, {.name = "a", .sources = {Counter("hits")}}, Loaded({MakeMap("counts", {{1, 10}})}));
  sys_.Inject({.method = Method::kLookupBatch, .sys_errno = EPERM, .times = 1});
  EXPECT_FALSE(Collect(table_));
  EXPECT_THAT(Lines("hits"), IsEmpty());
  EXPECT_THAT(Lines("ebpf_exporter_decoder_errors_total"), ElementsAre("config=a 0"));
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("hits"), ElementsAre("id=1 10"));
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              ElementsAre("config=a,metric=hits,reason=permission 1"));
}

TEST_F(ProgramTableTest, OnlyMapsThatAnIteratorLeftHalfFilledAreMissing) {
  auto filled = Loaded({MakeMap("m1", {{1, 10}}), MakeMap("m2", {{2, 20}})});
  FakeLoadedProgram& iterator = *filled;
  Add(table_, {.name = "a", .sources = {Counter("one", "m1"), Counter("two", "m2")}},
      std::move(filled));
  Add(table_, {.name = "b", .sources = {Counter("three")}}, Loaded({MakeMap("counts", {{3, 30}})}));
  iterator.iterators_ = std::unexpected(Error{ErrorKind::kExhausted, ENOMEM, "no room"});
  const auto collected = Collect(table_);
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
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("one"), ElementsAre("id=1 10"));
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"), missing);
}

TEST_F(ProgramTableTest, WhatIsKnownToBeUnusableFailsNoLookButIsCounted) {
  SourcePlan unusable = Counter("never");
  unusable.metrics[0].unusable = Error{ErrorKind::kInvalid, 0, "sizes"};
  Add(table_, {.name = "a", .sources = {unusable, Counter("no_map", "absent")}},
      Loaded({MakeMap("counts", {{1, 10}})}));
  EXPECT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("never"), IsEmpty());
  EXPECT_THAT(Lines("ebpf_exporter_decoder_errors_total"), ElementsAre("config=a 2"));
}

TEST_F(ProgramTableTest, KeepsTheDeadlineAndSaysWhatIsMissing) {
  Add(table_, {.name = "a", .sources = {Counter("one", "m1"), Counter("two", "m2")}},
      Loaded({MakeMap("m1", {{1, 10}}), MakeMap("m2", {{2, 20}})}));
  clock_.step = seconds(1);
  const auto collected = Collect(table_, seconds(4));
  ASSERT_FALSE(collected);
  EXPECT_EQ(collected.error().kind, ErrorKind::kExhausted);
  EXPECT_THAT(Lines("one"), ElementsAre("id=1 10"));
  EXPECT_THAT(Lines("two"), IsEmpty());
  EXPECT_THAT(Lines("bpftally_program_metric_missing_total"),
              ElementsAre("config=a,metric=two,reason=exhausted 1"));
}

TEST_F(ProgramTableTest, Fault13TheLimitOfSeriesIsOneForAll) {
  Add(table_, {.name = "a", .sources = {Counter("one", "m1"), Counter("two", "m2")}},
      Loaded({MakeMap("m1", {{1, 1}, {2, 1}, {3, 1}}),
              MakeMap("m2", {{1, 1}, {2, 1}, {3, 1}, {4, 1}})}));
  ASSERT_TRUE(Collect(table_));
  EXPECT_EQ(Lines("one").size(), 3U);
  EXPECT_EQ(Lines("two").size(), 2U);
  EXPECT_THAT(Lines("bpftally_program_series_dropped_total"),
              ElementsAre("config=a,metric=two,reason=limit 2"));
}

// Makes a plan of two metrics of one map; `width` is that of the second one's label.
ProgramPlan TwoOfOneMap(uint32_t width = 4) {
  SourcePlan source = Counter("one");
  MetricPlan second = source.metrics[0];
  second.name = "two";
  second.labels[0].field.size = width;
  source.metrics.push_back(second);
  return {.name = "a", .sources = {source}};
}

TEST_F(ProgramTableTest, MetricsOfOneMapAreReadAtOnce) {
  Add(roomy_, TwoOfOneMap(), Loaded({MakeMap("counts", {{1, 10}, {2, 20}})}));
  ASSERT_TRUE(Collect(roomy_));
  const int once = sys_.Calls(Method::kLookupBatch);
  EXPECT_THAT(Lines("one"), ElementsAre("id=1 10", "id=2 20"));
  EXPECT_EQ(Lines("two"), Lines("one"));
  EXPECT_THAT(Lines("bpftally_program_metric_entries"),
              ElementsAre("config=a,metric=one 2", "config=a,metric=two 2"));

  ProgramTable alone(Host(), {});
  Add(alone, {.name = "a", .sources = {Counter("one")}},
      Loaded({MakeMap("counts", {{1, 10}, {2, 20}})}));
  ASSERT_TRUE(Collect(alone));
  EXPECT_EQ(sys_.Calls(Method::kLookupBatch), 2 * once);
}

TEST_F(ProgramTableTest, OfMetricsOfOneMapEachFaresByItself) {
  Add(roomy_, TwoOfOneMap(8), Loaded({MakeMap("counts", {{1, 10}, {2, 20}})}));
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

TEST_F(ProgramTableTest, WhereSeriesAreFewTheFirstMetricOfAMapHasItsOwn) {
  Add(table_, TwoOfOneMap(), Loaded({MakeMap("counts", {{1, 1}, {2, 1}, {3, 1}})}));
  ASSERT_TRUE(Collect(table_));
  EXPECT_EQ(Lines("one").size(), 3U);
  EXPECT_EQ(Lines("two").size(), 2U);
  EXPECT_THAT(Lines("bpftally_program_series_dropped_total"),
              ElementsAre("config=a,metric=two,reason=limit 1"));
}

TEST_F(ProgramTableTest, TellsOfTheProgramsLikeEbpfExporter) {
  auto loaded = Loaded({MakeMap("counts", {})});
  loaded->statuses_ = {
      {.program = "on_exec", .section = "tp/exec", .id = 71, .tag = "00ff", .attached = true},
      {.program = "on_exit", .section = "tp/exit", .id = 72, .tag = "11ee"},
      {.program = "refused", .section = "kprobe/x"}};
  Add(table_,
      {.name = "a",
       .functions = {{"on_exec", "tp/exec"}, {"on_exit", "tp/exit"}, {"refused", "kprobe/x"}},
       .sources = {Counter("hits")}},
      std::move(loaded));
  AddFailed(table_, {.name = "b", .functions = {{"first", "tp/x"}, {"second", "tp/y"}}});
  ASSERT_TRUE(Collect(table_));
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
  ASSERT_TRUE(Collect(table_));
  EXPECT_THAT(Lines("ebpf_exporter_ebpf_program_run_count_total"), Contains("id=71 17"));
  EXPECT_THAT(Lines("ebpf_exporter_ebpf_program_run_time_seconds"), Contains("id=71 2.5"));
}

}  // namespace
}  // namespace bpftally
