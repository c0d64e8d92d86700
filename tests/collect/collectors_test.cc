#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "build_paths.h"
#include "collect/batch_reader.h"
#include "collect/collector.h"
#include "collect/test_snapshots.h"
#include "model/snapshot_yaml.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Collectors keep state between polls, so the tests do too.
class Collectors {
 public:
  explicit Collectors(const CollectOptions& options = {})
      : collectors_(MakeCollectors(options)), views_(options) {}

  MetricBatch Collect(const Snapshot& snapshot) {
    MetricBatch batch;
    failed_.clear();
    const CensusView view = views_.Build(snapshot);
    for (const auto& collector : collectors_) {
      if (!collector->Collect(view, batch)) failed_.insert(std::string(collector->name()));
    }
    const Result<void> valid = Validate(batch);
    EXPECT_TRUE(valid) << valid.error().message;
    return batch;
  }

  const std::set<std::string>& failed() const { return failed_; }

 private:
  std::vector<std::unique_ptr<Collector>> collectors_;
  CensusViewBuilder views_;
  std::set<std::string> failed_;
};

MetricBatch CollectOnce(const Snapshot& snapshot, const CollectOptions& options = {}) {
  return Collectors(options).Collect(snapshot);
}

std::set<std::string> FamiliesWithSamples(const MetricBatch& batch) {
  std::set<std::string> names;
  for (const MetricFamily& family : batch.families()) {
    if (!family.samples.empty()) names.insert(family.spec.name);
  }
  return names;
}

LabelMap OnlyLabels(const MetricBatch& batch, const std::string& name) {
  const MetricFamily* const family = FindFamily(batch, name);
  if (family == nullptr || family->samples.size() != 1) {
    ADD_FAILURE() << name << " has not one series";
    return {};
  }
  return LabelsOf(*family, family->samples[0]);
}

TEST(CollectorsTest, NamesOfTheListInOrder) {
  std::vector<std::string_view> names;
  for (const auto& collector : MakeCollectors({})) {
    names.push_back(collector->name());
    EXPECT_FALSE(collector->help().empty());
  }
  EXPECT_THAT(names, ElementsAre("programs", "maps", "links", "btf", "aggregates", "self"));
}

TEST(CollectorsTest, EveryFamilyBelongsToItsCollector) {
  MetricBatch batch;
  const Snapshot snapshot = FullSnapshot();
  const CensusView view = CensusViewBuilder({}).Build(snapshot);
  size_t families = 0;
  for (const auto& collector : MakeCollectors({})) {
    ASSERT_TRUE(collector->Collect(view, batch));
    for (; families < batch.families().size(); ++families)
      EXPECT_EQ(batch.families()[families].collector, collector->name());
  }
}

TEST(ProgramsCollectorTest, EveryKnownFieldIsItsOwnMetric) {
  const MetricBatch batch = CollectOnce(FullSnapshot());
  const LabelMap program = {{"id", "7"}, {"name", "handle_exec"}, {"type", "tracing"}};
  EXPECT_EQ(ValueOf(batch, "bpf_program_run_time_seconds_total", program), Number(1.5));
  EXPECT_EQ(ValueOf(batch, "bpf_program_runs_total", program), Unsigned(106));
  EXPECT_EQ(ValueOf(batch, "bpf_program_recursion_misses_total", program), Unsigned(107));
  EXPECT_EQ(ValueOf(batch, "bpf_program_stack_depth_bytes", program), Unsigned(109));
  EXPECT_EQ(ValueOf(batch, "bpf_program_subprograms", program), Unsigned(110));
  EXPECT_EQ(ValueOf(batch, "bpf_program_attachments", program), Unsigned(1));
  const LabelMap info = OnlyLabels(batch, "bpf_program_info");
  EXPECT_EQ(info.at("uid"), "1000");
  EXPECT_EQ(info.at("btf_id"), "108");
  EXPECT_EQ(info.at("self"), "false");
}

TEST(ProgramsCollectorTest, Fault15CountersCountSinceTheProgramWasLoaded) {
  const MetricBatch batch = CollectOnce(FullSnapshot());
  for (const char* name : {"bpf_program_run_time_seconds_total", "bpf_program_runs_total",
                           "bpf_program_recursion_misses_total", "bpf_program_mem_bytes_total"})
    EXPECT_EQ(SamplesOf(batch, name).at(0).start_time_ns, kLoadTime) << name;
  EXPECT_EQ(SamplesOf(batch, "bpf_program_stack_depth_bytes").at(0).start_time_ns, 0);
}

TEST(ProgramsCollectorTest, LoadTimesBeforeTheEpochRoundDownToo) {
  Snapshot snapshot = FullSnapshot();
  snapshot.programs[0].load_time_ns = -1;
  const MetricBatch batch = CollectOnce(snapshot);
  EXPECT_EQ(ValueOf(batch, "bpf_program_load_time"), Number(int64_t{-1}));
  EXPECT_EQ(OnlyLabels(batch, "bpf_program_info").at("load_time"), "1969-12-31 23:59:59");
}

TEST(ProgramsCollectorTest, SamplesOfAnObjectShareTheirLabels) {
  const MetricBatch batch = CollectOnce(FullSnapshot());
  EXPECT_EQ(SamplesOf(batch, "bpf_program_runs_total").at(0).labels,
            SamplesOf(batch, "bpf_program_load_time").at(0).labels);
  EXPECT_EQ(SamplesOf(batch, "bpf_map_entries").at(0).labels,
            SamplesOf(batch, "bpf_map_key_size_total").at(0).labels);
}

TEST(ProgramsCollectorTest, AttachmentsAreCountedByProgram) {
  Snapshot snapshot = BareSnapshot();
  snapshot.programs = {WithId<ProgramInfo>(7), WithId<ProgramInfo>(8), WithId<ProgramInfo>(12)};
  for (const uint32_t program : {8U, 0U, 12U, 8U, 99U}) {
    LinkInfo link = snapshot.links.back();
    ++link.id;
    link.program_id = program;
    snapshot.links.push_back(link);
  }
  const MetricBatch batch = CollectOnce(snapshot);
  EXPECT_EQ(ValueOf(batch, "bpf_program_attachments", {{"id", "7"}}), Unsigned(0));
  EXPECT_EQ(ValueOf(batch, "bpf_program_attachments", {{"id", "8"}}), Unsigned(2));
  EXPECT_EQ(ValueOf(batch, "bpf_program_attachments", {{"id", "12"}}), Unsigned(1));
}

TEST(ProgramsCollectorTest, AttachmentsAreUnknownWithoutEveryLink) {
  Snapshot snapshot = FullSnapshot();
  snapshot.StatusOf(ObjectKind::kLink).complete = false;
  EXPECT_THAT(SamplesOf(CollectOnce(snapshot), "bpf_program_attachments"), IsEmpty());
}

TEST(ProgramsCollectorTest, MapsOfAProgramAreOptIn) {
  EXPECT_EQ(FindFamily(CollectOnce(FullSnapshot()), "bpf_program_map_info"), nullptr);
  CollectOptions options;
  options.program_maps = true;
  const MetricBatch batch = CollectOnce(FullSnapshot(), options);
  EXPECT_THAT(LabelValuesOf(batch, "bpf_program_map_info", "program_id"), ElementsAre("7", "7"));
  EXPECT_THAT(LabelValuesOf(batch, "bpf_program_map_info", "map_id"), ElementsAre("4", "9"));
}

TEST(MapsCollectorTest, EveryKnownFieldIsItsOwnMetric) {
  const MetricBatch batch = CollectOnce(FullSnapshot());
  const LabelMap map = {{"id", "8"}, {"name", "events"}, {"type", "ringbuf"}};
  EXPECT_EQ(ValueOf(batch, "bpf_map_entries", map), Unsigned(207));
  EXPECT_EQ(ValueOf(batch, "bpf_map_memory_bytes", map), Unsigned(208));
  EXPECT_EQ(ValueOf(batch, "bpf_map_buffer_size_bytes", map), Unsigned(209));
  EXPECT_EQ(ValueOf(batch, "bpf_map_buffer_backlog_bytes", map), Unsigned(210));
  EXPECT_EQ(ValueOf(batch, "bpf_map_perf_lost_total", map), Unsigned(211));
  const LabelMap info = OnlyLabels(batch, "bpf_map_info");
  EXPECT_EQ(info.at("map_extra"), "205");
  EXPECT_EQ(info.at("frozen"), "true");
  EXPECT_EQ(info.at("btf_id"), "206");
  EXPECT_EQ(info.at("self"), "false");
}

TEST(LinksCollectorTest, EveryKnownFieldIsItsOwnMetric) {
  const MetricBatch batch = CollectOnce(FullSnapshot());
  const LabelMap link = {{"id", "9"}, {"prog_id", "7"}, {"type", "kprobe_multi"}};
  EXPECT_EQ(ValueOf(batch, "bpf_link_targets", link), Unsigned(301));
  EXPECT_EQ(ValueOf(batch, "bpf_link_missed_total", link), Unsigned(302));
  EXPECT_EQ(OnlyLabels(batch, "bpf_link_attach_info"),
            (LabelMap{{"id", "9"},
                      {"prog_id", "7"},
                      {"type", "kprobe_multi"},
                      {"attach_type", "trace_kprobe_multi"},
                      {"target", "vfs_read"},
                      {"netns", "4026531840"}}));
  const LabelMap info = OnlyLabels(batch, "bpf_link_info");
  EXPECT_EQ(info.at("attach_type"), "trace_kprobe_multi");
  EXPECT_EQ(info.at("self"), "false");
}

TEST(LinksCollectorTest, ATargetThatIsNotTextIsRepaired) {
  Snapshot snapshot = FullSnapshot();
  snapshot.links[0].target = "/cgroup/\xFF";
  EXPECT_EQ(OnlyLabels(CollectOnce(snapshot), "bpf_link_attach_info").at("target"),
            "/cgroup/\uFFFD");
}

TEST(BtfCollectorTest, SizeAndOrigin) {
  const MetricBatch batch = CollectOnce(FullSnapshot());
  const LabelMap btf = {{"id", "1"}, {"name", "vmlinux"}, {"kernel", "true"}};
  EXPECT_EQ(ValueOf(batch, "bpf_btf_info", btf), Unsigned(1));
  EXPECT_EQ(ValueOf(batch, "bpf_btf_size_bytes", btf), Unsigned(401));
}

// Of a snapshot in which every optional is absent only these have samples: unknown is never a 0.
TEST(CollectorsTest, UnknownIsNoSample) {
  const MetricBatch batch = CollectOnce(BareSnapshot());
  EXPECT_EQ(
      FamiliesWithSamples(batch),
      (std::set<std::string>{
          "bpf_program_info", "bpf_program_attachments", "bpf_map_info", "bpf_map_key_size_total",
          "bpf_map_value_size_total", "bpf_map_max_entries_total", "bpf_link_info", "bpf_programs",
          "bpf_maps", "bpf_links", "bpf_btf_objects", "bpf_verifier_instruction_limit",
          "bpftally_build_info", "bpftally_run_stats_requested", "bpftally_series_dropped_total"}));
  for (const char* label : {"gpl_compatible", "load_time", "uid", "btf_id"})
    EXPECT_EQ(OnlyLabels(batch, "bpf_program_info").at(label), "") << label;
  for (const char* label : {"map_extra", "frozen", "btf_id"})
    EXPECT_EQ(OnlyLabels(batch, "bpf_map_info").at(label), "") << label;
  EXPECT_EQ(OnlyLabels(batch, "bpf_link_info").at("attach_type"), "");
}

// The other way round: with every field set, no family stays empty.
TEST(CollectorsTest, KnownIsASample) {
  CollectOptions options;
  options.program_maps = true;
  const MetricBatch batch = CollectOnce(FullSnapshot(), options);
  for (const MetricFamily& family : batch.families())
    EXPECT_FALSE(family.samples.empty()) << family.spec.name;
}

TEST(CollectorsTest, AKnownZeroIsASample) {
  Snapshot snapshot = BareSnapshot();
  snapshot.programs[0].recursion_misses = 0;
  snapshot.programs[0].jitted_bytes = 0;
  snapshot.maps[0].entries = 0;
  snapshot.links[0].missed = 0;
  snapshot.programs[0].uid = 0;
  const MetricBatch batch = CollectOnce(snapshot);
  for (const char* name :
       {"bpf_program_recursion_misses_total", "bpf_program_size_jitted_bytes_total",
        "bpf_map_entries", "bpf_link_missed_total"})
    EXPECT_EQ(ValueOf(batch, name), Unsigned(0)) << name;
  EXPECT_EQ(OnlyLabels(batch, "bpf_program_info").at("uid"), "0");
}

TEST(AggregatesCollectorTest, CountsAndMemoryByType) {
  Snapshot snapshot = BareSnapshot();
  snapshot.programs = {WithId<ProgramInfo>(1, 6), WithId<ProgramInfo>(2, 26),
                       WithId<ProgramInfo>(3, 26), WithId<ProgramInfo>(4, 700)};
  snapshot.programs[1].memory_bytes = 4096;
  snapshot.programs[2].memory_bytes = 8192;
  snapshot.btf = {{.id = 1, .name = "vmlinux", .kernel = true, .size_bytes = 1},
                  {.id = 2, .name = "", .kernel = false, .size_bytes = 1},
                  {.id = 3, .name = "", .kernel = false, .size_bytes = 1}};
  const MetricBatch batch = CollectOnce(snapshot);
  EXPECT_EQ(ValueOf(batch, "bpf_programs", {{"type", "xdp"}}), Unsigned(1));
  EXPECT_EQ(ValueOf(batch, "bpf_programs", {{"type", "tracing"}}), Unsigned(2));
  EXPECT_EQ(ValueOf(batch, "bpf_programs", {{"type", "unknown_700"}}), Unsigned(1));
  EXPECT_THAT(LabelValuesOf(batch, "bpf_programs_memory_bytes", "type"), ElementsAre("tracing"));
  EXPECT_EQ(ValueOf(batch, "bpf_programs_memory_bytes"), Unsigned(12288));
  EXPECT_EQ(ValueOf(batch, "bpf_btf_objects", {{"kernel", "true"}}), Unsigned(1));
  EXPECT_EQ(ValueOf(batch, "bpf_btf_objects", {{"kernel", "false"}}), Unsigned(2));
}

TEST(AggregatesCollectorTest, StateOfTheSubsystem) {
  Snapshot snapshot = FullSnapshot();
  snapshot.StatusOf(ObjectKind::kMap).created.reset();
  const MetricBatch batch = CollectOnce(snapshot);
  EXPECT_THAT(LabelValuesOf(batch, "bpf_objects_created_total", "kind"),
              ElementsAre("program", "link", "btf"));
  EXPECT_EQ(ValueOf(batch, "bpf_objects_created_total"), Unsigned(5));
  EXPECT_EQ(ValueOf(batch, "bpf_stats_enabled"), Unsigned(1));
  EXPECT_EQ(ValueOf(batch, "bpf_verifier_instruction_limit"), Unsigned(1'000'000));
  snapshot.stats_enabled = false;
  EXPECT_EQ(ValueOf(CollectOnce(snapshot), "bpf_stats_enabled"), Unsigned(0));
}

// The count of an incomplete walk would seem to be a drop.
TEST(AggregatesCollectorTest, AnIncompleteKindHasNoAggregates) {
  Snapshot snapshot = FullSnapshot();
  snapshot.StatusOf(ObjectKind::kMap).complete = false;
  const MetricBatch batch = CollectOnce(snapshot);
  EXPECT_THAT(SamplesOf(batch, "bpf_maps"), IsEmpty());
  EXPECT_THAT(SamplesOf(batch, "bpf_maps_memory_bytes"), IsEmpty());
  EXPECT_EQ(ValueOf(batch, "bpf_programs"), Unsigned(1));
  EXPECT_EQ(ValueOf(batch, "bpf_links"), Unsigned(1));
  EXPECT_EQ(ValueOf(batch, "bpf_map_key_size_total"), Unsigned(201)) << "what there is is served";
}

TEST(CollectorsTest, WhoLacksAKindFails) {
  const std::pair<ObjectKind, std::string> cases[] = {{ObjectKind::kProgram, "programs"},
                                                      {ObjectKind::kMap, "maps"},
                                                      {ObjectKind::kLink, "links"},
                                                      {ObjectKind::kBtf, "btf"}};
  for (const auto& [kind, name] : cases) {
    Snapshot snapshot = FullSnapshot();
    snapshot.StatusOf(kind).complete = false;
    Collectors collectors;
    collectors.Collect(snapshot);
    EXPECT_EQ(collectors.failed(), (std::set<std::string>{name, "aggregates"}));
  }
}

TEST(CollectorsTest, TheErrorOfTheWalkIsReturned) {
  Snapshot snapshot = FullSnapshot();
  KindStatus& status = snapshot.StatusOf(ObjectKind::kLink);
  status.complete = false;
  status.error = Error{ErrorKind::kPermission, 1, "links need CAP_SYS_ADMIN"};
  MetricBatch batch;
  const Result<void> result =
      MakeCollectors({}).at(2)->Collect(CensusViewBuilder({}).Build(snapshot), batch);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kPermission);
  EXPECT_EQ(result.error().message, "links need CAP_SYS_ADMIN");
}

TEST(SelfCollectorTest, RunStatsRequested_IsTheOption) {
  EXPECT_EQ(ValueOf(CollectOnce(FullSnapshot(), {}), "bpftally_run_stats_requested"), Unsigned(0));
  CollectOptions options;
  options.run_stats = true;
  EXPECT_EQ(ValueOf(CollectOnce(FullSnapshot(), options), "bpftally_run_stats_requested"),
            Unsigned(1));
}

TEST(SelfCollectorTest, BuildFeaturesAndProcess) {
  CollectOptions options;
  options.libbpf_version = "1.5";
  const MetricBatch batch = CollectOnce(FullSnapshot(), options);
  const LabelMap build = OnlyLabels(batch, "bpftally_build_info");
  EXPECT_EQ(build.at("libbpf_version"), "1.5");
  EXPECT_THAT(build.at("version"), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_THAT(build.at("revision"), testing::MatchesRegex("[0-9a-f]{7,}|unknown"));
  EXPECT_EQ(ValueOf(batch, "bpftally_feature_available",
                    {{"feature", "map_entries"}, {"source", "iterator"}}),
            Unsigned(1));
  EXPECT_EQ(ValueOf(batch, "process_cpu_seconds_total"), Number(0.5));
  EXPECT_EQ(ValueOf(batch, "process_resident_memory_bytes"), Unsigned(501));
  EXPECT_EQ(ValueOf(batch, "process_virtual_memory_bytes"), Unsigned(502));
  EXPECT_EQ(ValueOf(batch, "process_open_fds"), Unsigned(503));
  EXPECT_EQ(ValueOf(batch, "process_max_fds"), Unsigned(504));
  EXPECT_EQ(ValueOf(batch, "process_threads"), Unsigned(505));
  EXPECT_EQ(ValueOf(batch, "process_start_time_seconds"), Number(1'795'248'000.5));
  EXPECT_EQ(SamplesOf(batch, "process_cpu_seconds_total").at(0).start_time_ns,
            1'795'248'000'500'000'000);
}

// Three of each kind, of which the limit lets through two: by memory, listed by ascending id.
Snapshot ThreeOfEach() {
  Snapshot snapshot = BareSnapshot();
  snapshot.programs = {WithId<ProgramInfo>(1), WithId<ProgramInfo>(2), WithId<ProgramInfo>(3)};
  snapshot.maps = {WithId<MapInfo>(1), WithId<MapInfo>(2), WithId<MapInfo>(3)};
  snapshot.links = {WithId<LinkInfo>(1), WithId<LinkInfo>(2), WithId<LinkInfo>(3)};
  snapshot.btf = {{.id = 1, .name = "", .kernel = false, .size_bytes = 5},
                  {.id = 2, .name = "", .kernel = false, .size_bytes = 1},
                  {.id = 3, .name = "", .kernel = false, .size_bytes = 9}};
  snapshot.programs[0].memory_bytes = 1;
  snapshot.programs[1].memory_bytes = 8;
  snapshot.programs[2].memory_bytes = 9;
  snapshot.maps[1].memory_bytes = 1;
  snapshot.maps[2].memory_bytes = 2;
  return snapshot;
}

CollectOptions LimitOf(size_t max_objects) {
  CollectOptions options;
  options.max_objects = max_objects;
  return options;
}

TEST(MaxObjectsTest, TheLargestHaveSeriesAndAggregatesCountAll) {
  const MetricBatch batch = CollectOnce(ThreeOfEach(), LimitOf(2));
  EXPECT_THAT(LabelValuesOf(batch, "bpf_program_info", "id"), ElementsAre("2", "3"));
  EXPECT_THAT(LabelValuesOf(batch, "bpf_program_mem_bytes_total", "id"), ElementsAre("2", "3"));
  EXPECT_THAT(LabelValuesOf(batch, "bpf_map_info", "id"), ElementsAre("2", "3"));
  EXPECT_THAT(LabelValuesOf(batch, "bpf_link_info", "id"), ElementsAre("1", "2"));
  EXPECT_THAT(LabelValuesOf(batch, "bpf_btf_info", "id"), ElementsAre("1", "3"));
  EXPECT_EQ(ValueOf(batch, "bpf_programs"), Unsigned(3));
  EXPECT_EQ(ValueOf(batch, "bpf_programs_memory_bytes"), Unsigned(18));
  EXPECT_EQ(ValueOf(batch, "bpf_maps"), Unsigned(3));
  EXPECT_EQ(ValueOf(batch, "bpf_links"), Unsigned(3));
}

// Every series is either there or counted as dropped, and polls add up.
TEST(MaxObjectsTest, DroppedSeriesAreCounted) {
  const auto count = [](const MetricBatch& batch, std::string_view collector) {
    size_t series = 0;
    for (const MetricFamily& family : batch.families()) {
      if (family.collector == collector) series += family.samples.size();
    }
    return series;
  };
  const std::pair<std::string, std::string> kinds[] = {
      {"program", "programs"}, {"map", "maps"}, {"link", "links"}, {"btf", "btf"}};
  Snapshot snapshot = FullSnapshot();
  snapshot.programs.push_back(WithId<ProgramInfo>(8));
  snapshot.programs.back().map_ids = {1, 2, 3};
  snapshot.maps.push_back(FullMap());
  snapshot.maps.back().id = 9;
  snapshot.links.push_back(WithId<LinkInfo>(10));
  snapshot.btf.push_back({.id = 2, .name = "", .kernel = false, .size_bytes = 5});
  CollectOptions options = LimitOf(1);
  options.program_maps = true;
  Collectors limited(options);
  options.max_objects = 2;
  const MetricBatch all = CollectOnce(snapshot, options);
  for (uint64_t poll = 1; poll <= 2; ++poll) {
    const MetricBatch some = limited.Collect(snapshot);
    for (const auto& [kind, collector] : kinds)
      EXPECT_EQ(ValueOf(some, "bpftally_series_dropped_total", {{"kind", kind}}),
                Unsigned(poll * (count(all, collector) - count(some, collector))))
          << kind;
  }
  for (const auto& [kind, collector] : kinds)
    EXPECT_EQ(ValueOf(all, "bpftally_series_dropped_total", {{"kind", kind}}), Unsigned(0));
}

TEST(MaxObjectsTest, Fault13TheChoiceStaysBetweenPolls) {
  Snapshot snapshot = ThreeOfEach();
  for (ProgramInfo& program : snapshot.programs) program.memory_bytes = 4096;
  snapshot.programs[2].run_time_ns = 10;
  Collectors collectors(LimitOf(1));
  EXPECT_THAT(LabelValuesOf(collectors.Collect(snapshot), "bpf_program_info", "id"),
              ElementsAre("3"));
  snapshot.programs[0].run_time_ns = 11;
  EXPECT_THAT(LabelValuesOf(collectors.Collect(snapshot), "bpf_program_info", "id"),
              ElementsAre("3"));
}

TEST(HideSelfTest, OurOwnObjectsAreInTheAggregatesOnly) {
  Snapshot snapshot = ThreeOfEach();
  snapshot.programs[1].self = true;
  snapshot.maps[1].self = true;
  snapshot.links[1].self = true;
  snapshot.btf.clear();  // BTF objects know no owner
  EXPECT_EQ(ValueOf(CollectOnce(snapshot), "bpf_program_info", {{"id", "2"}, {"self", "true"}}),
            Unsigned(1));
  CollectOptions options;
  options.hide_self = true;
  options.max_objects = 2;
  const MetricBatch batch = CollectOnce(snapshot, options);
  for (const char* name : {"bpf_program_info", "bpf_map_info", "bpf_link_info"})
    EXPECT_THAT(LabelValuesOf(batch, name, "id"), ElementsAre("1", "3")) << name;
  EXPECT_EQ(ValueOf(batch, "bpf_programs"), Unsigned(3));
  for (const Sample& sample : SamplesOf(batch, "bpftally_series_dropped_total"))
    EXPECT_EQ(sample.value, Number(uint64_t{0})) << "hidden is not dropped";
}

TEST(CollectorsTest, ThePopulationOfEveryTypeMakesAValidBatch) {
  std::ifstream file(BPFTALLY_SOURCE_DIR "/tests/fixtures/population.yaml");
  const std::string yaml{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const Result<Snapshot> snapshot = SnapshotFromYaml(yaml);
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  for (const bool variant : {false, true}) {
    CollectOptions options;
    options.type_labels_as_numbers = variant;
    options.size_metrics_as_gauges = variant;
    options.program_maps = variant;
    const MetricBatch batch = CollectOnce(*snapshot, options);  // validates
    EXPECT_EQ(SamplesOf(batch, "bpf_program_info").size(), snapshot->programs.size());
    EXPECT_EQ(SamplesOf(batch, "bpf_map_info").size(), snapshot->maps.size());
    EXPECT_EQ(SamplesOf(batch, "bpf_link_info").size(), snapshot->links.size());
    EXPECT_EQ(SamplesOf(batch, "bpf_maps").size(), snapshot->maps.size());
  }
}

}  // namespace
}  // namespace bpftally
