
#include "programs/frontends/ebpf_exporter/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "programs/frontends/ebpf_exporter/plan_fixture.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"
#include "programs/plan/published_name.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

CpuRule CpusOf(const MetricPlan& metric) {
  return std::get<CounterPlan>(metric.instrument).value.cpus;
}

constexpr std::string_view kUint = "decoders: [{name: uint}]";

std::string Counters(std::string_view list) {
  return "metrics: {counters: [" + std::string(list) + "]}";
}

// Returns the YAML of a counter of map m with the given labels.
std::string CounterWith(std::string_view labels) {
  return Counters("{name: m, help: h, labels: [" + std::string(labels) + "]}");
}

std::string Label(std::string_view name, int size, int padding = 0) {
  return "{name: " + std::string(name) + ", size: " + std::to_string(size) +
         ", padding: " + std::to_string(padding) + ", " + std::string(kUint) + "}";
}

// Returns the messages about one counter of map m.
std::vector<std::string> CounterMessages(std::string_view labels, const ObjectMap& map) {
  return Messages(PlanYaml(CounterWith(labels), {.maps = {map}}).findings);
}

TEST(Plan, LaysOutACounter) {
  const Compiled planned =
      PlanYaml(CounterWith(Label("a", 2, 6) + "," + Label("b", 8)),
               {.maps = {Map("other"), Map("m", BPF_MAP_TYPE_LRU_HASH, 16)}}, "dir/some.yaml");
  EXPECT_THAT(planned.findings, IsEmpty());
  EXPECT_EQ(planned.plan.name, "some");
  EXPECT_EQ(planned.plan.file, "dir/some.yaml");
  EXPECT_EQ(planned.plan.object, "dir/some.bpf.o");
  ASSERT_THAT(planned.plan.sources, SizeIs(1));
  const SourcePlan& source = planned.plan.sources[0];
  ASSERT_THAT(source.metrics, SizeIs(1));
  const MetricPlan& metric = source.metrics[0];
  EXPECT_EQ(metric.name, "ebpf_exporter_m");
  EXPECT_EQ(metric.help, "h");
  EXPECT_EQ(planned.plan.format, "ebpf_exporter");
  EXPECT_EQ(planned.plan.self.prefix, "ebpf_exporter_");
  EXPECT_EQ(source.from, (SourcePlan{.from = MapSource{"m"}}.from));
  EXPECT_EQ(source.key_size, 16);
  const ValuePlan& value = std::get<CounterPlan>(metric.instrument).value;
  EXPECT_EQ(value.field, (FieldPlan{.size = 8, .part = Part::kValue}));
  EXPECT_EQ(value.cpus, CpuRule::kSum);
  EXPECT_FALSE(metric.unusable);
  ASSERT_THAT(metric.labels, SizeIs(2));
  EXPECT_EQ(metric.labels[1].name, "b");
  EXPECT_EQ(metric.labels[1].field, (FieldPlan{8, 8, Part::kKey}));
  EXPECT_EQ(metric.labels[1].decoders.at(0).name, "uint");
}

TEST(Plan, WhatEveryMetricNeeds) {
  const auto errors = [](std::string_view counter) {
    return Messages(PlanYaml(Counters(counter), {.maps = {Map("m")}}).findings);
  };
  EXPECT_THAT(errors("{help: h}"),
              ElementsAre("error x.yaml:1:22: counter \"\": expected a name: that of its map"));
  EXPECT_THAT(errors("{name: m}"),
              ElementsAre("error x.yaml:1:22: counter \"m\": expected a help text"));
  EXPECT_THAT(errors("{name: mm, help: h}"),
              ElementsAre("error x.yaml:1:22: counter \"mm\": x.bpf.o has no map of this name "
                          "(did you mean \"m\"?)"));
}

TEST(Plan, ValuesHave8Bytes) {
  ObjectMap map = Map("m");
  map.value_size = 4;
  EXPECT_THAT(CounterMessages(Label("a", 4), map),
              ElementsAre("error x.yaml:1:22: counter \"m\": the value of its map has 4 bytes, "
                          "expected 8"));
}

TEST(Plan, SeveralCountersInOneValue) {
  ObjectMap map = Map("m");
  map.value_size = 16;
  const Compiled planned = PlanYaml(
      Counters("{name: m, values: [{name: a_total, help: A}, {name: b_total, help: B}], labels: [" +
               Label("id", 4) + "]}"),
      {.maps = {map}});
  EXPECT_THAT(planned.findings, IsEmpty());
  ASSERT_THAT(planned.plan.sources, SizeIs(1)) << "it is read once";
  ASSERT_THAT(planned.plan.sources[0].metrics, SizeIs(2));
  const MetricPlan& second = planned.plan.sources[0].metrics[1];
  EXPECT_EQ(second.name, "ebpf_exporter_b_total");
  EXPECT_EQ(second.help, "B");
  EXPECT_EQ(MapOf(planned.plan.sources[0]), "m");
  EXPECT_EQ(std::get<CounterPlan>(second.instrument).value.field, (FieldPlan{8, 8, Part::kValue}));
  EXPECT_EQ(second.labels.at(0).name, "id");

  map.value_size = 8;
  EXPECT_THAT(Messages(PlanYaml(Counters("{name: m, values: [{name: a, help: A}, {help: B}]}"),
                                {.maps = {map}})
                           .findings),
              ElementsAre(HasSubstr("has 8 bytes, expected 16"), HasSubstr("without a name")));
}

TEST(Plan, LabelNames) {
  EXPECT_EQ(PublishedName("my-label"), "my_label");
  EXPECT_EQ(PublishedName("5"), "_");
  EXPECT_EQ(PublishedName("5a"), "_a");
  EXPECT_EQ(PublishedName("a5"), "a5");
  EXPECT_EQ(PublishedName("größe"), "gr__e");
  EXPECT_EQ(PublishedName("a:b c"), "a_b_c");
  EXPECT_EQ(PublishedName(""), "");

  const ObjectMap map = Map("m", BPF_MAP_TYPE_HASH, 8);
  EXPECT_THAT(CounterMessages(Label("my-label", 4) + "," + Label("5", 4), map), IsEmpty());
  EXPECT_THAT(CounterMessages(Label("__a", 4) + "," + Label("''", 4), map),
              UnorderedElementsAre(HasSubstr("error x.yaml:1:50: counter \"m\": label \"__a\": "
                                             "names that begin with __ are Prometheus' own"),
                                   HasSubstr("a label without a name")));
  EXPECT_THAT(CounterMessages(Label("a", 4) + "," + Label("a", 4), map),
              ElementsAre(HasSubstr("error x.yaml:1:107: counter \"m\": a second label \"a\"")));
}

TEST(Plan, LabelsThatArePublishedAlikeMakeAMetricUnusable) {
  const Compiled planned = PlanYaml(CounterWith(Label("a-b", 4) + "," + Label("a_b", 4)),
                                    {.maps = {Map("m", BPF_MAP_TYPE_HASH, 8)}});
  EXPECT_THAT(Messages(planned.findings),
              ElementsAre(HasSubstr("label \"a_b\" is published as a_b, which another label")));
  EXPECT_TRUE(MetricAt(planned.plan, 0).unusable);
  EXPECT_FALSE(HasErrors(planned.findings));
}

TEST(Plan, WithoutLabelsTheKeyIsZero) {
  const auto messages = [](const ObjectMap& map) { return CounterMessages("", map); };
  EXPECT_THAT(messages(Map("m")), IsEmpty());
  EXPECT_THAT(messages(Map("m", BPF_MAP_TYPE_ARRAY, 4, 1)), IsEmpty());
  EXPECT_THAT(messages(Map("m", BPF_MAP_TYPE_ARRAY, 4, 2)),
              ElementsAre(HasSubstr("needs an array of one entry, but max_entries is 2")));
  EXPECT_THAT(messages(Map("m", BPF_MAP_TYPE_HASH, 8)),
              ElementsAre(HasSubstr("needs a map with a key of 4 bytes, but the key has 8")));
}

TEST(Plan, TheCpuIsAddedByTheReader) {
  const std::string labels = Label("op", 4) + "," + Label("cpu", 2);
  const ObjectFacts per_cpu{.maps = {Map("m", BPF_MAP_TYPE_PERCPU_HASH)}};
  const Compiled planned = PlanYaml(CounterWith(labels), per_cpu);
  EXPECT_THAT(planned.findings, IsEmpty());
  const MetricPlan& metric = MetricAt(planned.plan, 0);
  EXPECT_EQ(CpusOf(metric), CpuRule::kEach);
  EXPECT_FALSE(metric.needs_zero_key);
  EXPECT_EQ(metric.labels.at(1).field, (FieldPlan{0, 2, Part::kCpu}));

  const Compiled hash = PlanYaml(CounterWith(labels), {.maps = {Map("m", BPF_MAP_TYPE_HASH, 6)}});
  EXPECT_THAT(hash.findings, IsEmpty());
  EXPECT_EQ(CpusOf(MetricAt(hash.plan, 0)), CpuRule::kSum) << "a field like others";
}

TEST(Plan, TheCpuAlone) {
  const std::string yaml = CounterWith(Label("cpu", 2));
  const auto plan = [&](uint32_t type, uint32_t key_size, uint32_t max_entries) {
    return MetricAt(PlanYaml(yaml, {.maps = {Map("m", type, key_size, max_entries)}}).plan, 0);
  };
  const MetricPlan good = plan(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 1);
  EXPECT_FALSE(good.unusable);
  EXPECT_EQ(CpusOf(good), CpuRule::kEach);
  EXPECT_TRUE(good.needs_zero_key);
  EXPECT_EQ(good.labels.at(0).field.part, Part::kCpu);
  EXPECT_TRUE(plan(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 2).unusable);
  EXPECT_TRUE(plan(BPF_MAP_TYPE_LRU_PERCPU_HASH, 8, 10).unusable);
  EXPECT_THAT(CounterMessages(Label("cpu", 4), Map("m", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 1)),
              ElementsAre(HasSubstr("needs size: 2 and no padding")));
}

TEST(Plan, EventsOfAPerfBuffer) {
  const std::string yaml =
      Counters("{name: m, help: h, perf_event_array: true, flush_interval: 10m, labels: [" +
               Label("a", 4, 4) + "," + Label("b", 2) + "]}");
  const ObjectMap perf{.name = "m", .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_size = 4};
  const Compiled planned = PlanYaml(yaml, {.maps = {perf}});
  EXPECT_THAT(planned.findings, IsEmpty());
  const SourcePlan& source = planned.plan.sources.at(0);
  EXPECT_EQ(std::get<EventSource>(source.from), (EventSource{"m", std::chrono::minutes(10)}));
  EXPECT_EQ(source.value_size, 10);
  const MetricPlan& metric = source.metrics.at(0);
  EXPECT_EQ(metric.labels.at(1).field, (FieldPlan{8, 2, Part::kValue}));
  EXPECT_EQ(std::get<CounterPlan>(metric.instrument).value.field, std::nullopt) << "1 an event";

  const ObjectMap ring{.name = "m", .type = BPF_MAP_TYPE_RINGBUF};
  EXPECT_THAT(PlanYaml(yaml, {.maps = {ring}}).findings, IsEmpty());
  EXPECT_THAT(Messages(PlanYaml(yaml, {.maps = {Map("m")}}).findings),
              ElementsAre(HasSubstr("but its map is of type hash")));
  EXPECT_THAT(CounterMessages(Label("a", 4), perf),
              testing::Contains(HasSubstr("expected perf_event_array: true")));
}

TEST(Plan, MapsThatCannotBeListedAreUnusable) {
  const Compiled planned =
      PlanYaml(CounterWith(Label("a", 4)), {.maps = {Map("m", BPF_MAP_TYPE_CGROUP_STORAGE)}});
  EXPECT_FALSE(HasErrors(planned.findings));
  EXPECT_THAT(Messages(planned.findings), ElementsAre(HasSubstr("entries cannot be listed")));
  EXPECT_TRUE(MetricAt(planned.plan, 0).unusable);
}

TEST(Plan, AllFindingsAtOnce) {
  EXPECT_THAT(
      Messages(PlanYaml(Counters("{name: gone, help: h}, {name: m}, {name: m, help: h, "
                                 "labels: [{name: __x, size: 4, " +
                                 std::string(kUint) + "}]}"),
                        {.maps = {Map("m")}})
                   .findings),
      ElementsAre(HasSubstr("no map of this name"), HasSubstr("expected a help text"),
                  HasSubstr("names that begin with __"), HasSubstr("the second of this name")));
}

// Tests of labels against keys.

ObjectMap StructMap() {
  ObjectMap map = Map("m", BPF_MAP_TYPE_HASH, 24);
  map.key_fields = {{"kind", 0, 1}, {"id", 8, 8}, {"port", 16, 2}};
  return map;
}

TEST(Plan, SaysThePaddingThatWasForgotten) {
  const Compiled planned =
      PlanYaml(CounterWith(Label("kind", 1) + "," + Label("id", 8) + "," + Label("port", 2, 6)),
               {.maps = {StructMap()}});
  EXPECT_FALSE(HasErrors(planned.findings));
  EXPECT_THAT(
      Messages(planned.findings),
      ElementsAre("warning x.yaml:1:22: counter \"m\": its labels and their padding take 17 bytes, "
                  "but the key of its map has 24",
                  "warning x.yaml:1:50: counter \"m\": label \"kind\" needs padding: 7 after field "
                  "\"kind\""));
  EXPECT_THAT(MetricAt(planned.plan, 0).unusable.value().message,
              HasSubstr("take 17 bytes, but the key of its map has 24"));
}

TEST(Plan, SaysWhichLabelsDifferFromTheirFields) {
  EXPECT_THAT(CounterMessages(Label("kind", 1, 7) + "," + Label("id", 4) + "," + Label("port", 2),
                              StructMap()),
              ElementsAre(HasSubstr("take 14 bytes"),
                          HasSubstr("label \"id\" has size 4, but field \"id\" of the key 8"),
                          HasSubstr("label \"port\" needs padding: 6 after field \"port\"")));
}

TEST(Plan, ListsTheFieldsWhereLabelsDoNotPair) {
  EXPECT_THAT(CounterMessages(Label("kind", 1), StructMap()),
              ElementsAre(HasSubstr("take 1 bytes, but the key of its map has 24 (\"kind\" 1 and 7 "
                                    "of padding, \"id\" 8, \"port\" 2)")));
  EXPECT_THAT(CounterMessages(Label("kind", 1), Map("m")),
              ElementsAre(HasSubstr("take 1 bytes, but the key of its map has 4")));
}

TEST(Plan, WarnsOfLabelsThatReadPadding) {
  const Compiled planned =
      PlanYaml(CounterWith(Label("kind", 8) + "," + Label("id", 8) + "," + Label("port", 2, 6)),
               {.maps = {StructMap()}});
  EXPECT_THAT(Messages(planned.findings),
              ElementsAre(HasSubstr("label \"kind\" reads padding of the key")));
  EXPECT_FALSE(MetricAt(planned.plan, 0).unusable);
  // Labels may read parts of a field, or several fields: that is no mistake.
  EXPECT_THAT(CounterMessages(Label("kind", 1, 7) + "," + Label("low", 4) + "," + Label("high", 4) +
                                  "," + Label("port", 2, 6),
                              StructMap()),
              IsEmpty());
}

TEST(Plan, SizesThatOverflowDoNoHarm) {
  const Compiled planned = PlanYaml(
      CounterWith("{name: a, size: 18446744073709551615, padding: 5, " + std::string(kUint) + "}"),
      {.maps = {Map("m")}});
  EXPECT_THAT(Messages(planned.findings),
              testing::Contains(HasSubstr("size and padding must be at most 1048576")));
  EXPECT_TRUE(MetricAt(planned.plan, 0).unusable);
}

// Tests of decoders.

std::vector<std::string> DecoderMessages(int size, std::string_view decoders) {
  return CounterMessages(
      "{name: a, size: " + std::to_string(size) + ", decoders: [" + std::string(decoders) + "]}",
      Map("m", BPF_MAP_TYPE_HASH, static_cast<uint32_t>(size)));
}

TEST(Plan, DecodersThatDoNotDo) {
  EXPECT_THAT(DecoderMessages(4, "{name: unit}"),
              ElementsAre("warning x.yaml:1:80: counter \"m\": label \"a\": unknown decoder "
                          "\"unit\" (did you mean \"uint\"?)"));
  EXPECT_THAT(DecoderMessages(4, ""), ElementsAre(HasSubstr("no decoders")));
  EXPECT_THAT(DecoderMessages(0, "{name: uint}"), testing::Contains(HasSubstr("size is missing")));
  EXPECT_THAT(DecoderMessages(16, "{name: string}, {name: regexp, regexps: ['(']}"),
              ElementsAre(HasSubstr("the regular expression \"(\" is wrong: missing )")));
  EXPECT_THAT(DecoderMessages(16, "{name: string}, {name: regexp}"),
              ElementsAre(HasSubstr("needs regexps")));
  EXPECT_THAT(DecoderMessages(16, "{name: string}, {name: regexp, regexps: []}"), IsEmpty());
  EXPECT_THAT(DecoderMessages(4, "{name: uint}, {name: static_map}"),
              ElementsAre(HasSubstr("has no static_map")));
  EXPECT_THAT(DecoderMessages(4, "{name: uint}, {name: static_map, static_map: {}}"), IsEmpty());
}

TEST(Plan, DecodersThatNeedOtherBytes) {
  EXPECT_THAT(DecoderMessages(3, "{name: uint}"),
              ElementsAre(HasSubstr("\"uint\" needs 1, 2, 4 or 8 bytes, the label has 3")));
  EXPECT_THAT(DecoderMessages(2, "{name: ifname}"), ElementsAre(HasSubstr("at least 4 bytes")));
  EXPECT_THAT(DecoderMessages(4, "{name: ksym}"), ElementsAre(HasSubstr("at least 8 bytes")));
  EXPECT_THAT(DecoderMessages(12, "{name: kstack}"), ElementsAre(HasSubstr("a multiple of 8")));
  EXPECT_THAT(DecoderMessages(16, "{name: kstack}"), IsEmpty());
  EXPECT_THAT(DecoderMessages(4, "{name: errno}"), ElementsAre(HasSubstr("put \"uint\" before")));
  EXPECT_THAT(DecoderMessages(4, "{name: uint}, {name: errno}"), IsEmpty());
}

TEST(Plan, OnlyWhatNeverGivesASampleIsUnusable) {
  const auto unusable = [](std::string_view decoders) {
    const Compiled planned =
        PlanYaml(CounterWith("{name: a, size: 4, decoders: [" + std::string(decoders) + "]}"),
                 {.maps = {Map("m")}});
    return MetricAt(planned.plan, 0).unusable.has_value();
  };
  EXPECT_TRUE(unusable("{name: unit}"));
  EXPECT_TRUE(unusable(""));
  EXPECT_FALSE(unusable("{name: uint}, {name: static_map}")) << "prints a text of its own";
  EXPECT_FALSE(unusable("{name: errno}")) << "bytes may happen to be digits";
}

// Tests of spans and cgroups.

TEST(Plan, Spans) {
  const ObjectMap ring{.name = "r", .type = BPF_MAP_TYPE_RINGBUF};
  const Compiled planned = PlanYaml(R"(tracing: {spans: [{ringbuf: r, name: s, service: v, labels: [
    {name: trace_id, size: 16, decoders: [{name: hex}]},
    {name: span_id, size: 8, padding: 4, decoders: [{name: hex}]},
    {name: some.thing, size: 4, decoders: [{name: uint}]}]}]})",
                                    {.maps = {ring}});
  EXPECT_THAT(planned.findings, IsEmpty());
  const SourcePlan& source = planned.plan.sources.at(0);
  EXPECT_EQ(std::get<EventSource>(source.from), EventSource{"r"});
  EXPECT_EQ(source.value_size, 32);
  const SpanPlan& span = source.spans.at(0);
  EXPECT_EQ(span.name, "s");
  EXPECT_EQ(span.service, "v");
  EXPECT_EQ(span.attributes, (TextMap{{"ebpf_exporter.config", "x"}}));
  EXPECT_EQ(span.labels.at(2).name, "some.thing");
  EXPECT_EQ(span.labels.at(2).field.offset, 28);
}

TEST(Plan, SpansThatDoNotDo) {
  const auto messages = [](std::string_view span, const ObjectMap& map) {
    return Messages(
        PlanYaml("tracing: {spans: [" + std::string(span) + "]}", {.maps = {map}}).findings);
  };
  const ObjectMap ring{.name = "r", .type = BPF_MAP_TYPE_RINGBUF};
  EXPECT_THAT(messages("{name: r}", ring), IsEmpty()) << "the map is named as the span";
  EXPECT_THAT(messages("{name: s}", ring), ElementsAre(HasSubstr("no map of this name")));
  EXPECT_THAT(messages("{ringbuf: r}", ring), ElementsAre(HasSubstr("expected a name")));
  EXPECT_THAT(messages("{name: r}", Map("r")),
              ElementsAre(HasSubstr("error x.yaml:1:19: span \"r\": map \"r\" is of type hash")));
  EXPECT_THAT(
      messages("{name: r, labels: [{name: trace_id, size: 8, decoders: [{name: hex}]}]}", ring),
      ElementsAre(HasSubstr("label \"trace_id\" has size 8, expected 16")));
}

TEST(Plan, CgroupIdMap) {
  const auto messages = [](std::string_view map, const ObjectMap& facts) {
    return Messages(PlanYaml("{metrics: {counters: []}, cgroup_id_map: " + std::string(map) + "}",
                             {.maps = {facts}})
                        .findings);
  };
  EXPECT_THAT(messages("{name: m}", Map("m", BPF_MAP_TYPE_HASH, 8)), IsEmpty());
  EXPECT_THAT(messages("{name: m, type: cgrp_storage}", Map("m", 32, 4)), IsEmpty());
  EXPECT_THAT(messages("{name: m, type: cgrp_storage}", Map("m")),
              ElementsAre(HasSubstr("type hash, expected cgrp_storage")));
  EXPECT_THAT(messages("{name: m}", Map("m")), ElementsAre(HasSubstr("a key of 4 bytes")));
  EXPECT_THAT(messages("{name: n}", Map("m")), ElementsAre(HasSubstr("no map of this name")));
  EXPECT_THAT(messages("{name: m, type: tree, regexps: ['[']}", Map("m", BPF_MAP_TYPE_HASH, 8)),
              ElementsAre(HasSubstr("error x.yaml:1:42: cgroup_id_map \"m\": type \"tree\""),
                          HasSubstr("the regular expression \"[\" is wrong")));
}

}  // namespace
}  // namespace bpftally
