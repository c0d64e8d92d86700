#include "model/snapshot_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <string>

#include "build_paths.h"
#include "model/type_names.h"
#include "yaml/tree.h"

namespace bpftally {
namespace {

using testing::HasSubstr;

template <typename T>
constexpr T kMax = std::numeric_limits<T>::max();

template <typename Info>
Info WithId(uint32_t id) {
  Info info;
  info.id = id;
  return info;
}

ProgramInfo FullProgram() {
  return {.id = 7,
          .type = 26,
          .name = "handle_exec",
          .tag = {0x00, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xff},
          .gpl_compatible = true,
          .load_time_ns = std::numeric_limits<int64_t>::min(),
          .uid = 0,
          .translated_bytes = kMax<uint32_t>,
          .jitted_bytes = 0,
          .memory_bytes = kMax<uint64_t>,
          .verified_instructions = 1,
          .run_time_ns = 2,
          .run_count = 3,
          .recursion_misses = 0,
          .map_ids = std::vector<uint32_t>{9, 9, 4},
          .btf_id = 5,
          .stack_depth_bytes = 6,
          .subprograms = 7,
          .self = true};
}

MapInfo FullMap() {
  return {.id = 8,
          .type = 27,
          .name = "events",
          .key_size = 1,
          .value_size = 2,
          .max_entries = 3,
          .flags = 4,
          .map_extra = kMax<uint64_t>,
          .frozen = false,
          .btf_id = 5,
          .entries = 6,
          .memory_bytes = 7,
          .buffer_size_bytes = 8,
          .buffer_backlog_bytes = 9,
          .perf_lost = 10,
          .self = true};
}

LinkInfo FullLink() {
  return {.id = 9,
          .type = 8,
          .program_id = 7,
          .attach_type = 42,
          .target = "vfs_read",
          .netns = 4026531840,
          .target_count = 2,
          .missed = 3,
          .self = true};
}

Snapshot FullSnapshot() {
  Snapshot snapshot;
  snapshot.taken_at_ns = 1'795'248'000'123'456'789;
  snapshot.programs = {FullProgram(), WithId<ProgramInfo>(8)};
  snapshot.programs[1].map_ids.emplace();
  snapshot.maps = {FullMap(), WithId<MapInfo>(4294967295)};
  snapshot.links = {FullLink(), WithId<LinkInfo>(10)};
  snapshot.btf = {{.id = 1, .name = "vmlinux", .kernel = true, .size_bytes = 5},
                  WithId<BtfInfo>(2)};
  snapshot.StatusOf(ObjectKind::kProgram) = {
      .source = Source::kIterator, .complete = true, .vanished = 3, .created = 4};
  snapshot.StatusOf(ObjectKind::kLink) = {
      .source = Source::kSyscall,
      .created = 0,
      .error = Error{ErrorKind::kPermission, 1, "links: \"CAP_SYS_ADMIN\" is missing"}};
  snapshot.stats_enabled = false;
  snapshot.features = {{.name = "map_entries", .source = "iterator", .available = true},
                       {.name = "map_memory", .source = "fdinfo", .available = false}};
  return snapshot;
}

void ExpectSameStatus(const KindStatus& a, const KindStatus& b) {
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.complete, b.complete);
  EXPECT_EQ(a.vanished, b.vanished);
  EXPECT_EQ(a.created, b.created);
  ASSERT_EQ(a.error.has_value(), b.error.has_value());
  if (!a.error) return;
  EXPECT_EQ(a.error->kind, b.error->kind);
  EXPECT_EQ(a.error->sys_errno, b.error->sys_errno);
  EXPECT_EQ(a.error->message, b.error->message);
}

void ExpectSame(const Snapshot& a, const Snapshot& b) {
  EXPECT_EQ(a.taken_at_ns, b.taken_at_ns);
  EXPECT_EQ(a.programs, b.programs);
  EXPECT_EQ(a.maps, b.maps);
  EXPECT_EQ(a.links, b.links);
  EXPECT_EQ(a.btf, b.btf);
  EXPECT_EQ(a.stats_enabled, b.stats_enabled);
  EXPECT_EQ(a.features, b.features);
  for (const ObjectKind kind : kObjectKinds) ExpectSameStatus(a.StatusOf(kind), b.StatusOf(kind));
}

void ExpectRoundTrip(const Snapshot& snapshot) {
  const std::string yaml = SnapshotToYaml(snapshot);
  const Result<Snapshot> back = SnapshotFromYaml(yaml);
  ASSERT_TRUE(back) << back.error().message << "\n" << yaml;
  ExpectSame(snapshot, *back);
}

// The message of the error that the document must give.
std::string ErrorOf(std::string_view yaml) {
  const Result<Snapshot> result = SnapshotFromYaml(yaml);
  if (result) return "no error";
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
  return result.error().message;
}

TEST(SnapshotYamlTest, EveryFieldSurvives) { ExpectRoundTrip(FullSnapshot()); }

TEST(SnapshotYamlTest, AnEmptySnapshotSurvives) { ExpectRoundTrip({}); }

TEST(SnapshotYamlTest, AbsentFieldsAreLeftOut) {
  Snapshot snapshot;
  snapshot.programs = {WithId<ProgramInfo>(8)};
  const std::string yaml = SnapshotToYaml(snapshot);
  for (const char* key : {"stats_enabled", "run_time_ns", "map_ids", "uid", "error", "created"})
    EXPECT_THAT(yaml, testing::Not(HasSubstr(key)));
}

TEST(SnapshotYamlTest, EveryErrorKindAndSourceSurvives) {
  for (const ErrorKind kind :
       {ErrorKind::kPermission, ErrorKind::kVanished, ErrorKind::kUnsupported,
        ErrorKind::kExhausted, ErrorKind::kInvalid, ErrorKind::kInternal}) {
    for (const Source source : {Source::kNone, Source::kIterator, Source::kSyscall}) {
      Snapshot snapshot;
      snapshot.StatusOf(ObjectKind::kBtf) = {
          .source = source, .created = std::nullopt, .error = Error{kind, 7, "why"}};
      ExpectRoundTrip(snapshot);
    }
  }
}

TEST(SnapshotYamlTest, Fault36OddNamesSurvive) {
  std::string every_ascii;
  for (char c = 0; c < 0x7F; ++c) every_ascii += c;
  uint32_t id = 0;
  Snapshot snapshot;
  for (const std::string& name :
       {every_ascii, std::string("\x7F"), std::string("null"), std::string("~"),
        std::string("true"), std::string("12"), std::string(" # : - "), std::string("\"quoted\\"),
        std::string("two\nlines\r\n"), std::string("\u0085\u2028\u2029\uFEFF\u00A0"),
        std::string("\uFFFD\uFFFE\uFFFF\uFDD0"), std::string("\u00E9\u4E2D\U0001F600\U0010FFFF")}) {
    snapshot.maps.push_back(WithId<MapInfo>(++id));
    snapshot.maps.back().name = name;
  }
  ExpectRoundTrip(snapshot);
}

TEST(SnapshotYamlTest, BytesThatAreNoTextBecomeTheReplacementCharacter) {
  Snapshot snapshot;
  snapshot.links = {WithId<LinkInfo>(1)};
  snapshot.links[0].target = "/cgroup/\xC3\x28\xFF";
  const Result<Snapshot> back = SnapshotFromYaml(SnapshotToYaml(snapshot));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->links[0].target, "/cgroup/\uFFFD(\uFFFD");
}

TEST(SnapshotYamlTest, TheProcessIsNotPartOfIt) {
  Snapshot snapshot;
  snapshot.process.threads = 5;
  EXPECT_EQ(SnapshotToYaml(snapshot), SnapshotToYaml({}));
}

TEST(SnapshotYamlTest, TenThousandObjectsSurvive) {
  Snapshot snapshot;
  for (uint32_t id = 1; id <= 10'000; ++id) {
    snapshot.programs.push_back(FullProgram());
    snapshot.programs.back().id = id;
    snapshot.maps.push_back(FullMap());
    snapshot.maps.back().id = id;
  }
  ExpectRoundTrip(snapshot);
}

TEST(SnapshotYamlTest, ThePopulationOfTheFixturesHasEveryType) {
  std::ifstream file(BPFTALLY_SOURCE_DIR "/tests/fixtures/population.yaml");
  const std::string yaml{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const Result<Snapshot> snapshot = SnapshotFromYaml(yaml);
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  const auto expect_every_type = [](const auto& objects, std::string_view (*name)(uint32_t)) {
    std::set<uint32_t> types;
    for (const auto& object : objects) types.insert(object.type);
    for (uint32_t type = 1; !name(type).starts_with("unknown_"); ++type)
      EXPECT_TRUE(types.contains(type)) << name(type);
  };
  expect_every_type(snapshot->programs, ProgramTypeName);
  expect_every_type(snapshot->maps, MapTypeName);
  expect_every_type(snapshot->links, LinkTypeName);
  ExpectRoundTrip(*snapshot);
}

TEST(SnapshotYamlErrorTest, UnknownKeys) {
  EXPECT_EQ(ErrorOf("taken_at_ns: 1\nprogramms: []\n"),
            "2:1: unknown key \"programms\" (did you mean \"programs\"?)");
  EXPECT_EQ(ErrorOf("maps:\n  - id: 1\n    type: 2\n    key_siez: 4\n"),
            "4:5: unknown key \"key_siez\" (did you mean \"key_size\"?)");
  EXPECT_EQ(ErrorOf("status:\n  program: {sorce: none}\n"),
            "2:13: unknown key \"sorce\" (did you mean \"source\"?)");
  EXPECT_EQ(ErrorOf("zebra: 1\n"), "1:1: unknown key \"zebra\"");
}

TEST(SnapshotYamlErrorTest, WrongTypes) {
  EXPECT_EQ(ErrorOf("maps:\n  - id: one\n    type: 2\n"),
            "2:9: \"one\", expected a whole number from 0 to 4294967295");
  EXPECT_EQ(ErrorOf("stats_enabled: yes\n"), "1:16: \"yes\", expected true or false");
  EXPECT_EQ(ErrorOf("stats_enabled: \"true\"\n"), "1:16: \"true\", expected true or false");
  EXPECT_EQ(ErrorOf("taken_at_ns: \"5\"\n"),
            "1:14: \"5\", expected a whole number from -9223372036854775808 to "
            "9223372036854775807");
  EXPECT_EQ(ErrorOf("maps: {id: 1}\n"), "1:7: a map, expected a list");
  EXPECT_EQ(ErrorOf("maps:\n  - 5\n"), "2:5: \"5\", expected a map");
  EXPECT_EQ(ErrorOf("status: []\n"), "1:9: a list, expected a map");
  EXPECT_EQ(ErrorOf("features:\n  - name: [a]\n"), "2:11: a list, expected text");
  EXPECT_THAT(ErrorOf("maps:\n  - {id: 1, type: 2, name: }\n"),
              HasSubstr("nothing, expected text"));
  EXPECT_THAT(ErrorOf("- 1\n"), HasSubstr("1:1: a list, expected a map"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("1:1: nothing, expected a map"));
}

TEST(SnapshotYamlErrorTest, NumbersOutOfRange) {
  EXPECT_THAT(ErrorOf("maps:\n  - {id: 4294967296, type: 1}\n"), HasSubstr("2:10: \"4294967296\""));
  EXPECT_THAT(ErrorOf("maps:\n  - {id: -1, type: 1}\n"), HasSubstr("2:10: \"-1\""));
  EXPECT_THAT(ErrorOf("maps:\n  - {id: 1.5, type: 1}\n"), HasSubstr("2:10: \"1.5\""));
  EXPECT_THAT(ErrorOf("maps:\n  - {id: 0x10, type: 1}\n"), HasSubstr("2:10: \"0x10\""));
}

TEST(SnapshotYamlErrorTest, Tags) {
  for (const char* tag : {"12", "\"zz00000000000000\"", "0123456789abcdef0", "[1]"})
    EXPECT_THAT(ErrorOf("programs: [{id: 1, type: 1, tag: " + std::string(tag) + "}]"),
                HasSubstr("expected 16 hexadecimal digits"))
        << tag;
}

TEST(SnapshotYamlErrorTest, EnumsByName) {
  EXPECT_EQ(ErrorOf("status:\n  map:\n    source: iterater\n"),
            "3:13: \"iterater\", expected one of none, iterator, syscall (did you mean "
            "\"iterator\"?)");
  EXPECT_THAT(ErrorOf("status: {map: {error: {kind: permision}}}"),
              HasSubstr("did you mean \"permission\"?"));
}

TEST(SnapshotYamlErrorTest, IdsAreThereAscendAndComeOnce) {
  EXPECT_EQ(ErrorOf("maps:\n  - type: 2\n"), "2:5: a map without \"id\"");
  EXPECT_EQ(ErrorOf("maps:\n  - id: 2\n"), "2:5: a map without \"type\"");
  EXPECT_EQ(ErrorOf("links:\n  - {id: 5, type: 1}\n  - {id: 5, type: 1}\n"),
            "3:5: id 5, expected one above 5: by ascending id, no id twice");
  for (const char* kind : {"programs", "maps", "links"})
    EXPECT_THAT(ErrorOf(std::string(kind) + ": [{id: 5, type: 1}, {id: 4, type: 1}]"),
                HasSubstr("id 4, expected one above 5"))
        << kind;
  EXPECT_THAT(ErrorOf("btf: [{id: 5}, {id: 4}]"), HasSubstr("id 4, expected one above 5"));
  EXPECT_THAT(ErrorOf("btf: [{id: 0}]"), HasSubstr("id 0, expected one above 0"));
}

TEST(SnapshotYamlErrorTest, DuplicateKeys) {
  EXPECT_EQ(ErrorOf("taken_at_ns: 1\ntaken_at_ns: 1\n"),
            "2:1: a second \"taken_at_ns\" in one map is not allowed here");
  EXPECT_THAT(ErrorOf("maps:\n  - id: 1\n    type: 1\n    id: 1\n"),
              HasSubstr("4:5: a second \"id\""));
}

// It would be the same series twice.
TEST(SnapshotYamlErrorTest, TheSameFeatureTwice) {
  EXPECT_EQ(ErrorOf("features:\n  - {name: a, source: b}\n  - {name: a, source: c}\n"
                    "  - {name: a, source: b}\n"),
            "4:5: feature \"a\" by source \"b\" a second time");
}

TEST(SnapshotYamlErrorTest, AllFindingsAreTold) {
  const std::string message = ErrorOf("maps:\n  - {id: x, type: y}\nzebra: 1\n");
  EXPECT_THAT(message, HasSubstr("2:10: \"x\""));
  EXPECT_THAT(message, HasSubstr("\n2:19: \"y\""));
  EXPECT_THAT(message, HasSubstr("\n3:1: unknown key \"zebra\""));
}

TEST(SnapshotYamlErrorTest, ManyFindingsAreCut) {
  std::string yaml = "programs:\n";
  for (int i = 0; i < 1000; ++i) yaml += "  - x\n";
  const std::string message = ErrorOf(yaml);
  EXPECT_EQ(std::ranges::count(message, '\n'), 19);
}

TEST(SnapshotYamlErrorTest, Syntax) {
  EXPECT_THAT(ErrorOf("maps: [\n"), testing::MatchesRegex("[0-9]+:[0-9]+: .+"));
  EXPECT_THAT(ErrorOf("maps: \"open\n"), testing::MatchesRegex("[0-9]+:[0-9]+: .+"));
  EXPECT_THAT(ErrorOf("a: b: c\n"), testing::MatchesRegex("1:[0-9]+: .+"));
  EXPECT_THAT(ErrorOf("features: [{name: \"\\uD800\"}]"), HasSubstr("1:"));
  EXPECT_EQ(ErrorOf("features: [{name: \"\xFF\"}]"), "1:1: not UTF-8");
  EXPECT_EQ(ErrorOf("taken_at_ns: 1\n---\ntaken_at_ns: 2\n"),
            "3:1: a second document, expected one");
}

TEST(SnapshotYamlErrorTest, AnchorsAliasesAndTags) {
  EXPECT_THAT(ErrorOf("maps: &a []\n"), HasSubstr("is not allowed here"));
  EXPECT_THAT(ErrorOf("maps: &a []\nlinks: *a\n"), HasSubstr("is not allowed here"));
  EXPECT_THAT(ErrorOf("taken_at_ns: !!int 5\n"), HasSubstr("a tag is not allowed here"));
  EXPECT_THAT(ErrorOf("? [a]\n: 1\n"), HasSubstr("a key that is not a word"));
}

TEST(SnapshotYamlErrorTest, DeepNesting) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(ParseYaml(nested(kMaxYamlDepth)));
  EXPECT_THAT(ErrorOf(nested(kMaxYamlDepth + 1)), HasSubstr("nesting deeper than 16"));
  EXPECT_THAT(ErrorOf(nested(100'000)), HasSubstr("nesting deeper than 16"));
  EXPECT_THAT(ErrorOf(std::string(100'000, '{')), HasSubstr("nesting deeper than 16"));
  std::string block;
  for (int i = 0; i < 10'000; ++i) block += "- ";
  EXPECT_THAT(ErrorOf(block), HasSubstr("nesting deeper than 16"));
  block.clear();
  for (int i = 0; i < 10'000; ++i) block += "? ";
  EXPECT_THAT(ErrorOf(block), HasSubstr("nesting deeper than 16"));
}

TEST(SnapshotYamlErrorTest, LargeInput) {
  EXPECT_EQ(ErrorOf(std::string(kMaxYamlBytes + 1, ' ')),
            "1:1: 67108865 bytes, expected at most 67108864");
}

}  // namespace
}  // namespace bpftally
