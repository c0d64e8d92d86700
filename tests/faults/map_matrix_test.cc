// Every call with which a metric program's map is read fails with every errno: its metric is whole
// or missing, and the next one's is whole.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "collect/batch_reader.h"
#include "faults/errnos.h"
#include "kernel/fake_bpf_sys.h"
#include "kernel/map_handle.h"
#include "programs/plan/plan.h"
#include "programs/plan/sources.h"
#include "programs/run/program_table.h"

namespace bpftally {
namespace {

constexpr uint32_t kHurt = 1;  // map ids
constexpr uint32_t kOther = 2;

struct MatrixRow {
  Method method;
  uint32_t map_type;
  uint32_t flags;
  const char* name;
};

// The calls that the types are read with; with the last, a kernel that has no batches.
constexpr MatrixRow kRows[] = {
    {Method::kLookupBatch, BPF_MAP_TYPE_HASH, 0, "HashInBatches"},
    {Method::kLookupBatch, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, "TrieInBatches"},
    {Method::kCopyMapped, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, "MappedArray"},
    {Method::kNextKey, BPF_MAP_TYPE_DEVMAP_HASH, 0, "KeysOfADevmap"},
    {Method::kLookupElement, BPF_MAP_TYPE_DEVMAP_HASH, 0, "ValuesOfADevmap"},
};

class MapStandIn final : public LoadedProgram {
 public:
  explicit MapStandIn(std::vector<MapHandle> maps) : maps_(std::move(maps)) {}
  const std::vector<AttachStatus>& statuses() const override { return statuses_; }
  const std::vector<MapHandle>& maps() const override { return maps_; }
  Result<ProgramRunStats> RunStats(size_t) override { return ProgramRunStats{}; }
  Result<void> RunIterators(std::chrono::steady_clock::time_point, const Clock&) override {
    return {};
  }

 private:
  std::vector<AttachStatus> statuses_;
  std::vector<MapHandle> maps_;
};

SourcePlan Counter(const std::string& name) { return CounterById(name, name); }

std::vector<std::byte> Bytes(auto number) {
  std::vector<std::byte> bytes(sizeof number);
  std::memcpy(bytes.data(), &number, bytes.size());
  return bytes;
}

class MapMatrixTest : public testing::TestWithParam<MatrixRow> {
 protected:
  using Values = std::map<std::string, Number>;

  MapMatrixTest() {
    const bool in_batches = GetParam().method == Method::kLookupBatch;
    if (!in_batches)  // for the type that the kernel reads by key
      no_batch_ = {.method = Method::kLookupBatch, .sys_errno = kNotSupported, .id = kHurt};
    EXPECT_TRUE(table_.Add({.name = "a", .sources = {Counter("hurt"), Counter("other")}}));
    ClearFaults();
  }

  std::unique_ptr<LoadedProgram> Load() {
    return std::make_unique<MapStandIn>(
        std::vector{MakeMap("hurt", kHurt, GetParam().map_type, GetParam().flags, 60),
                    MakeMap("other", kOther, BPF_MAP_TYPE_HASH, 0, 3)});
  }

  MapHandle MakeMap(const char* name, uint32_t id, uint32_t type, uint32_t flags, uint32_t count) {
    FakeMap& map = sys_.maps[id];
    map.info.type = type;
    map.info.map_flags = flags;
    map.info.key_size = 4;
    for (uint32_t key = 0; key < count; ++key)
      map.entries.push_back({Bytes(key), Bytes(uint64_t{key} + 100)});
    fds_.push_back(std::move(*sys_.OpenById(ObjectKind::kMap, id)));
    return {.name = name,
            .fd = fds_.back().get(),
            .id = id,
            .type = type,
            .key_size = 4,
            .value_size = 8,
            .max_entries = std::min(count, 20U),  // so that it takes some batches
            .flags = flags};
  }

  void ClearFaults() {
    sys_.ClearFaults();
    if (no_batch_) sys_.Inject(*no_batch_);
  }

  bool Collect() {
    batch_ = {};
    Notices said;
    return table_.Collect(clock_.After(std::chrono::hours(1)), batch_, said).has_value();
  }

  Values ValuesOf(std::string_view name) const {
    Values values;
    for (const Sample& sample : SamplesOf(batch_, name))
      values[std::string(sample.labels[0])] = sample.value;
    return values;
  }

  FakeBpfSys sys_;
  TickingClock clock_;
  std::optional<Fault> no_batch_;
  std::vector<UniqueFd> fds_;
  ProgramTable table_{{.sys = sys_,
                       .clock = clock_,
                       .sources = {},
                       .event_sources = {},
                       .possible_cpus = 1,
                       .load = [this](const ProgramPlan&) { return Load(); }},
                      {}};
  MetricBatch batch_;
};

INSTANTIATE_TEST_SUITE_P(, MapMatrixTest, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(MapMatrixTest, Fault08AMetricIsWholeOrMissingAndNoOtherIsHurt) {
  ASSERT_TRUE(Collect());
  const Values whole = ValuesOf("hurt");
  const Values other = ValuesOf("other");
  ASSERT_FALSE(whole.empty());
  int failed = 0;
  for (const int sys_errno : kErrnos) {
    for (const int after : {0, 1}) {
      SCOPED_TRACE(fmt::format("errno {} after {}", sys_errno, after));
      Fault fault{.method = GetParam().method, .sys_errno = sys_errno, .id = kHurt, .after = after};
      if (after > 0) fault.times = 1;
      sys_.Inject(fault);
      const bool collected = Collect();
      ClearFaults();
      EXPECT_EQ(ValuesOf("other"), other);
      // Of a key, "gone" is no fault; nor is ENOENT of a list of keys, which ends there.
      const bool gone = ErrnoError(sys_errno, "").kind == ErrorKind::kVanished;
      const bool vanished = (GetParam().method == Method::kLookupElement && gone) ||
                            (GetParam().method == Method::kNextKey && sys_errno == ENOENT);
      if (!vanished) {
        EXPECT_EQ(ValuesOf("hurt"), collected ? whole : Values{});
      }
      failed += collected ? 0 : 1;
      ASSERT_TRUE(Collect());
      EXPECT_EQ(ValuesOf("hurt"), whole);
    }
  }
  EXPECT_GT(failed, 10) << "the faults did not reach the reader";
}

}  // namespace
}  // namespace bpftally
