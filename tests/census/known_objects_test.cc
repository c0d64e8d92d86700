#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <fstream>
#include <iostream>
#include <map>
#include <string_view>
#include <type_traits>

#include "population/census_fixture.h"
#include "population/fields.h"
#include "population/kernel_abilities.h"
#include "population/plain_objects.h"
#include "population/population.h"

namespace bpftally {
namespace {

constexpr int64_t kClockSlackNs = 5'000'000;

bool MayBeUnknown(const ProgramInfo&, std::string_view field, SourceChoice source) {
  if (source == SourceChoice::kIterator && !IteratorsReadAll())
    return field == "map_ids" || field == "recursion_misses" || field == "jitted_bytes";
  return source == SourceChoice::kSyscall && field == "stack_depth_bytes";
}

bool MayBeUnknown(const MapInfo& map, std::string_view field, SourceChoice source) {
  if (field == "entries" && !KernelHasFunction("bpf_map_sum_elem_count")) return true;  // 6.6
  if (source == SourceChoice::kIterator && field == "memory_bytes") return true;
  if (source != SourceChoice::kSyscall && IteratorsReadAll()) return false;
  // Only an iterator reads inside of a map.
  return field == "entries" || field == "buffer_backlog_bytes" || field == "perf_lost" ||
         (field == "buffer_size_bytes" && map.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY);
}

// Before 6.6 no system call says what a perf event is; an iterator reads its type and number.
bool MayPerfTargetBeUnknown(const LinkInfo& link, SourceChoice source) {
  if (source == SourceChoice::kIterator) return true;
  if (KernelIsAtLeast(6, 6)) return false;
  return source == SourceChoice::kSyscall || !IteratorsReadAll() ||
         link.target != "software:cpu-clock";
}

bool MayBeUnknown(const LinkInfo& link, std::string_view field, SourceChoice source) {
  if (link.type == BPF_LINK_TYPE_PERF_EVENT && field == "target")
    return MayPerfTargetBeUnknown(link, source);
  if (source == SourceChoice::kIterator) {
    const bool not_read =
        !IteratorsReadAll() && (field == "target" || field == "netns" || field == "attach_type");
    return not_read || field == "missed" ||
           (field == "target" && link.type == BPF_LINK_TYPE_UPROBE_MULTI);
  }
  if (source == SourceChoice::kAuto && IteratorsReadAll()) return false;
  // An interface index without its namespace, which bpf_link_info does not tell.
  const bool by_interface = link.type == BPF_LINK_TYPE_XDP || link.type == BPF_LINK_TYPE_TCX ||
                            link.type == BPF_LINK_TYPE_NETKIT;
  return (by_interface && (field == "target" || field == "netns")) ||
         (link.type == BPF_LINK_TYPE_NETFILTER && field == "netns");
}

// Two maps with the same beginning cannot be distinguished: the beginning is a right answer.
// Without opening objects by id there is no BTF to be read, and so no full name; and some types of
// map have none.
template <typename Info>
bool IsNamedAsWellAsCanBe(const Info& made, const std::string& got, SourceChoice source) {
  if (got == made.name) return true;
  return got == made.name.substr(0, BPF_OBJ_NAME_LEN - 1) &&
         (source == SourceChoice::kIterator || made.btf_id == 0u ||
          made.name.starts_with("bpftally_same_prefix"));
}

class KnownObjectsTest : public CensusTest, public ::testing::WithParamInterface<SourceChoice> {
 protected:
  // No test changes it, and it takes seconds under emulation, as a reader does.
  static void TearDownTestSuite() {
    snapshots_.clear();
    population_.reset();
  }

  void SetUp() override {
    CensusTest::SetUp();
    if (IsSkipped()) return;
    if (!population_) population_ = std::make_unique<Population>();
    if (!snapshots_.contains(GetParam())) snapshots_[GetParam()] = Take({.source = GetParam()});
    snapshot_ = snapshots_[GetParam()];
  }

  template <typename Info>
  static Info Expected(Info made, SourceChoice source) {
    // A map's name is the target, and see IsNamedAsWellAsCanBe().
    if constexpr (std::is_same_v<Info, LinkInfo>) {
      if (made.type == BPF_LINK_TYPE_STRUCT_OPS && source == SourceChoice::kIterator) {
        made.target = made.target.value_or("").substr(0, BPF_OBJ_NAME_LEN - 1);
      }
    }
    return made;
  }

  template <typename Info>
  void ExpectAsMade(const std::vector<Field<Info>>& fields, const Info& made, const Info& got) {
    for (const Field<Info>& field : fields) {
      const auto wanted = field.text(Expected(made, GetParam()));
      if (!wanted || field.name == "load_time_ns" || field.name == "name") continue;
      const auto found = field.text(got);
      if (!found && MayBeUnknown(made, field.name, GetParam())) continue;
      EXPECT_EQ(found.value_or("absent"), *wanted) << Describe(made) << ": " << field.name;
    }
  }

  template <typename Known, typename Info>
  void ExpectAllAsMade(const std::vector<Field<Info>>& fields, const std::vector<Known>& known,
                       const std::vector<Info>& snapshot) {
    ASSERT_FALSE(known.empty());
    for (const Known& object : known) {
      const Info* got = FindId(snapshot, object.made.id);
      ASSERT_NE(got, nullptr) << object.label << " is missing";
      ExpectAsMade(fields, object.made, *got);
      EXPECT_FALSE(got->self) << object.label;
      if constexpr (requires { got->name; }) {
        EXPECT_TRUE(IsNamedAsWellAsCanBe(object.made, got->name, GetParam()))
            << Describe(object.made) << " is called " << got->name;
      }
    }
  }

  inline static std::unique_ptr<Population> population_;
  inline static std::map<SourceChoice, Snapshot> snapshots_;
  Snapshot snapshot_;
};

TEST_P(KnownObjectsTest, Programs) {
  std::cout << "refused by this kernel:\n" << population_->RefusedText();
  ExpectAllAsMade(ProgramFields(), population_->made().programs, snapshot_.programs);
}

TEST_P(KnownObjectsTest, ProgramLoadTimes) {
  for (const KnownProgram& known : population_->made().programs) {
    const ProgramInfo* got = FindId(snapshot_.programs, known.made.id);
    ASSERT_NE(got, nullptr) << known.label;
    EXPECT_GE(got->load_time_ns, known.loaded_after_ns - kClockSlackNs) << known.label;
    EXPECT_LE(got->load_time_ns, known.loaded_before_ns + kClockSlackNs) << known.label;
  }
}

TEST_P(KnownObjectsTest, MissedRunsAreCounted) {
  const KnownProgram* missed = population_->made().Program("missed");
  ASSERT_NE(missed, nullptr);
  if (!KernelHasFunction("perf_event_set_bpf_prog")) GTEST_SKIP() << "no programs on tracepoints";
  if (KernelIsConfidential()) GTEST_SKIP() << "lockdown=confidentiality hides tracepoints";
  if (!KernelIsAtLeast(6, 7)) GTEST_SKIP() << "missed runs of tracepoints are counted since 6.7";
  ASSERT_GE(missed->made.recursion_misses, 25u) << "the test's own way to miss runs is broken";
  const ProgramInfo* got = FindId(snapshot_.programs, missed->made.id);
  ASSERT_NE(got, nullptr);
  EXPECT_EQ(got->recursion_misses, missed->made.recursion_misses);
}

TEST_P(KnownObjectsTest, Maps) {
  ExpectAllAsMade(MapFields(), population_->made().maps, snapshot_.maps);
}

TEST_P(KnownObjectsTest, LostRecordsAreOnTheRecord) {
  const KnownMap* map = population_->made().Map("bpftally_lost");
  ASSERT_NE(map, nullptr);
  if (map->made.perf_lost == 0u) GTEST_SKIP() << "PERF_FORMAT_LOST (kernel 6.0) is missing";
  EXPECT_GT(map->made.perf_lost, 20u) << "the test's own way to lose records is broken";
}

TEST_P(KnownObjectsTest, Links) {
  ExpectAllAsMade(LinkFields(), population_->made().links, snapshot_.links);
}

// A link that has none says 0 to the kernel, which is the number of cgroup_inet_ingress.
TEST_P(KnownObjectsTest, NoAttachTypeIsMadeUp) {
  size_t lacking = 0;
  for (const KnownLink& known : population_->made().links) {
    if (!known.lacks_attach_type) continue;
    const LinkInfo* got = FindId(snapshot_.links, known.made.id);
    ASSERT_NE(got, nullptr) << known.label << " is missing";
    EXPECT_EQ(got->attach_type, std::nullopt) << known.label;
    ++lacking;
  }
  EXPECT_GT(lacking, 0u);
}

TEST_P(KnownObjectsTest, ObjectsAreInOrderAndOnce) {
  const auto ascends = [](const auto& objects) {
    return std::ranges::adjacent_find(objects, [](const auto& left, const auto& right) {
             return left.id >= right.id;
           }) == objects.end();
  };
  EXPECT_TRUE(ascends(snapshot_.programs));
  EXPECT_TRUE(ascends(snapshot_.maps));
  EXPECT_TRUE(ascends(snapshot_.links));
  EXPECT_TRUE(ascends(snapshot_.btf));
}

INSTANTIATE_TEST_SUITE_P(Source, KnownObjectsTest,
                         ::testing::Values(SourceChoice::kIterator, SourceChoice::kSyscall,
                                           SourceChoice::kAuto),
                         SourceOfTest);

class RingBacklogTest : public CensusTest, public ::testing::WithParamInterface<SourceChoice> {
 protected:
  static constexpr uint32_t kBytes = 65536;

  void SetUp() override {
    CensusTest::SetUp();
    if (IsSkipped()) return;
    ring_.Reset(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "own_ring", 0, 0, kBytes, nullptr));
    ASSERT_TRUE(ring_);
    page_size_ = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    page_ = ::mmap(nullptr, page_size_, PROT_READ | PROT_WRITE, MAP_SHARED, ring_.get(), 0);
    ASSERT_NE(page_, MAP_FAILED);
  }

  void TearDown() override {
    if (page_ != MAP_FAILED) ::munmap(page_, page_size_);
  }

  // Facts about the ring after its owner has written this position.
  std::optional<uint64_t> BacklogAt(uint64_t consumed) {
    std::atomic_ref(*static_cast<uint64_t*>(page_)).store(consumed);
    const Snapshot snapshot = Take({.source = GetParam()});
    const MapInfo* got = FindId(snapshot.maps, IdOf(ObjectKind::kMap, ring_.get()));
    EXPECT_NE(got, nullptr);
    return got == nullptr ? std::nullopt : got->buffer_backlog_bytes;
  }

  UniqueFd ring_;
  size_t page_size_ = 0;
  void* page_ = MAP_FAILED;
};

// Any process may write what it likes into the page of its own ring.
TEST_P(RingBacklogTest, IsNeverMoreThanTheRingHolds) {
  const bool all = IteratorsReadAll();
  EXPECT_EQ(BacklogAt(0), all ? std::optional(uint64_t{0}) : std::nullopt);
  EXPECT_EQ(BacklogAt(8), std::nullopt);
  EXPECT_EQ(BacklogAt(UINT64_MAX - kBytes), std::nullopt);
  EXPECT_EQ(BacklogAt(0 - uint64_t{kBytes}), all ? std::optional(uint64_t{kBytes}) : std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Source, RingBacklogTest,
                         ::testing::Values(SourceChoice::kIterator, SourceChoice::kAuto),
                         SourceOfTest);

// Memory that is remembered for a map must be forgotten where it follows what the map holds.
class GrowingMapTest : public CensusTest, public ::testing::WithParamInterface<const char*> {
 protected:
  static uint64_t MemoryByFdInfo(int fd) {
    std::ifstream file("/proc/self/fdinfo/" + std::to_string(fd));
    std::string word;
    uint64_t bytes = 0;
    while (file >> word) {
      if (word == "memlock:") file >> bytes;
    }
    return bytes;
  }
};

TEST_P(GrowingMapTest, Fault30bMemoryAndEntriesAreThoseOfNow) {
  const Population population;
  const auto reader = Reader({.source = SourceChoice::kAuto});
  ASSERT_NE(reader, nullptr);
  const KnownMap* map = population.made().Map(GetParam());
  ASSERT_NE(map, nullptr) << "refused by this kernel:\n" << population.RefusedText();
  TakeFrom(*reader);
  for (uint32_t entry : {101u, 102u}) {
    const std::array<uint32_t, 2> key = {entry, entry};
    const std::array<uint32_t, 8> value = {1};  // the loopback interface, where it has to be one
    const std::array<uint32_t, 2> prefix = {32, entry};
    const bool trie = map->made.type == BPF_MAP_TYPE_LPM_TRIE;
    ASSERT_EQ(bpf_map_update_elem(map->fd.get(), trie ? prefix.data() : key.data(), value.data(),
                                  BPF_ANY),
              0);
  }
  const Snapshot now = TakeFrom(*reader);
  const MapInfo* got = FindId(now.maps, map->made.id);
  ASSERT_NE(got, nullptr);
  EXPECT_EQ(got->memory_bytes, MemoryByFdInfo(map->fd.get()));
  if (KernelHasFunction("bpf_map_sum_elem_count")) {
    EXPECT_EQ(got->entries, map->made.entries.value_or(0) + 2);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, GrowingMapTest,
                         ::testing::Values("hash", "hash/no_prealloc", "percpu_hash", "lru_hash",
                                           "lpm_trie", "devmap_hash"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           std::ranges::replace(name, '/', '_');
                           return name;
                         });

}  // namespace
}  // namespace bpftally
