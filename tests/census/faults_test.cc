#include <algorithm>
#include <cerrno>

#include "btf/btf_blob.h"
#include "census/reader_fixture.h"

namespace bpftally {
namespace {

// Every call fails with every errno, at its first time and later: no pass hangs, leaks or hurts
// another kind.
struct MatrixRow {
  Method method;
  SourceChoice source;
};

std::vector<MatrixRow> MatrixRows() {
  std::vector<MatrixRow> rows;
  for (size_t method = 0; method < kMethods; ++method) {
    for (const SourceChoice source :
         {SourceChoice::kAuto, SourceChoice::kIterator, SourceChoice::kSyscall})
      rows.push_back({static_cast<Method>(method), source});
  }
  return rows;
}

std::string RowName(const ::testing::TestParamInfo<MatrixRow>& info) {
  return std::string(MethodName(info.param.method)) + "_" +
         SourceChoiceName({info.param.source, 0});
}

class FaultMatrixTest : public ReaderTest, public ::testing::WithParamInterface<MatrixRow> {
 protected:
  static constexpr uint32_t kCount = 5;

  FaultMatrixTest() {
    BtfBlob blob;
    const uint32_t function = blob.Function("a_function_with_a_long_name");
    for (uint32_t id = 1; id <= kCount; ++id) {
      FakeProgram& program = AddProgram(id);
      program.info.btf_id = 1;
      program.func_info_type_id = function;
      program.map_ids = {1, 2, 3};
      AddMap(id).keys = 3;
      FakeLink& link = AddLink(id, id % 2 == 0 ? BPF_LINK_TYPE_CGROUP : BPF_LINK_TYPE_KPROBE_MULTI);
      link.record = {.known = id % 2 == 0 ? LINK_KNOWS_CGROUP : LINK_KNOWS_COUNT, .cgroup_id = 7};
      link.info.kprobe_multi.count = 4;
      sys_.btf[id].data = blob.Bytes();
    }
    sys_.cgroups[7] = "/user.slice";
  }

  // All of ours are in the list; the kernel may hold more.
  template <typename Info>
  static bool IsWhole(const std::vector<Info>& objects) {
    for (uint32_t id = 1; id <= kCount; ++id) {
      if (Find(objects, id) == nullptr) return false;
    }
    return true;
  }
  static bool IsWhole(const Snapshot& snapshot, ObjectKind kind) {
    switch (kind) {
      case ObjectKind::kProgram:
        return IsWhole(snapshot.programs);
      case ObjectKind::kMap:
        return IsWhole(snapshot.maps);
      case ObjectKind::kLink:
        return IsWhole(snapshot.links);
      case ObjectKind::kBtf:
        break;
    }
    return IsWhole(snapshot.btf);
  }

  ReaderOptions Options() const {
    return {.source = GetParam().source,
            .run_stats = GetParam().source != SourceChoice::kIterator,
            .scan_entries = true};
  }

  // The faults of one row, on objects of one kind or of all.
  static std::vector<Fault> FaultsOn(std::optional<ObjectKind> kind) {
    std::vector<Fault> faults;
    for (const int sys_errno :
         {EPERM, ENOENT, EAGAIN, EINTR, EMFILE, ENOMEM, EINVAL, EIO, ENOSYS}) {
      for (const int after : {0, 2}) {
        faults.push_back(
            {.method = GetParam().method, .sys_errno = sys_errno, .kind = kind, .after = after});
      }
    }
    return faults;
  }

  static std::string Describe(const Fault& fault) {
    return std::string(fault.kind ? ObjectKindName(*fault.kind) : "any") + " errno " +
           std::to_string(fault.sys_errno) + " after " + std::to_string(fault.after);
  }

  // A read that never goes on uses up the time of the kinds behind it.
  static bool RestsForEver(const Fault& fault) {
    return fault.method == Method::kRead && (fault.sys_errno == EAGAIN || fault.sys_errno == EINTR);
  }

  // A kind that claims to be complete holds all that did not vanish; the others are as they were.
  void ExpectUnhurtBut(const Fault& fault, const Snapshot& before, const Snapshot& after) {
    for (const ObjectKind kind : kObjectKinds) {
      SCOPED_TRACE(ObjectKindName(kind));
      const KindStatus& status = after.StatusOf(kind);
      EXPECT_NE(status.complete, status.error.has_value());
      if (kind == fault.kind) {
        // A listing that "ends" (ENOENT) is whole as far as anybody can know.
        const bool ended = fault.method == Method::kNextId && fault.sys_errno == ENOENT;
        if (status.complete && status.vanished == 0 && !ended) {
          EXPECT_EQ(IsWhole(after, kind), before.StatusOf(kind).complete);
        }
      } else {
        EXPECT_EQ(status.complete, before.StatusOf(kind).complete);
        EXPECT_EQ(IsWhole(after, kind), IsWhole(before, kind));
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(, FaultMatrixTest, ::testing::ValuesIn(MatrixRows()), RowName);

TEST_P(FaultMatrixTest, DuringAPassHurtsOneKindOnly) {
  for (const ObjectKind hurt : kObjectKinds) {
    for (const Fault& fault : FaultsOn(hurt)) {
      SCOPED_TRACE(Describe(fault));
      Start(Options());
      const Snapshot before = Take();
      Start(Options());  // with empty caches: the most calls
      sys_.Inject(fault);
      clock_.step = std::chrono::milliseconds(1);
      const Snapshot faulty = Take(std::chrono::seconds(20));
      clock_.step = std::chrono::nanoseconds(0);
      sys_.ClearFaults();
      if (!RestsForEver(fault)) ExpectUnhurtBut(fault, before, faulty);
      ExpectUnhurtBut(fault, before, Take());  // and it is over with the fault
    }
  }
}

TEST_P(FaultMatrixTest, OnEverythingLeaksNothing) {
  for (const Fault& fault : FaultsOn(std::nullopt)) {
    SCOPED_TRACE(Describe(fault));
    sys_.ClearFaults();
    sys_.Inject(fault);
    clock_.step = std::chrono::milliseconds(1);
    auto made = SnapshotReader::Create(sys_, clock_, Options());
    if (made) {
      for (int pass = 0; pass < 2; ++pass) {
        (*made)->Take(clock_.After(std::chrono::seconds(20)));
        EXPECT_EQ(sys_.OpenObjects(), 0u);
      }
      made->reset();
    } else {
      EXPECT_FALSE(made.error().message.empty());
    }
    EXPECT_EQ(sys_.OpenObjects(), 0u);
    EXPECT_EQ(sys_.OpenIteratorLinks(), 0u);
    EXPECT_EQ(sys_.OpenStats(), 0u);
  }
}

class LostPermissionTest : public BothSourcesTest {};
INSTANTIATE_TEST_SUITE_P(, LostPermissionTest,
                         ::testing::Values(SourceChoice::kAuto, SourceChoice::kSyscall),
                         SourceChoiceName);

TEST_P(LostPermissionTest, OnOpenByIdIsTold) {
  for (uint32_t id = 1; id <= 3; ++id) AddMap(id);
  Start({.source = GetParam()});
  sys_.Inject({.method = Method::kOpenById, .sys_errno = EPERM, .kind = ObjectKind::kMap});
  const Snapshot snapshot = Take();
  const KindStatus& status = snapshot.StatusOf(ObjectKind::kMap);
  EXPECT_FALSE(status.complete);
  ASSERT_TRUE(status.error);
  EXPECT_EQ(status.error->kind, ErrorKind::kPermission);
  EXPECT_THAT(status.error->message, ::testing::HasSubstr("CAP_SYS_ADMIN"));
  EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kProgram).complete);
  EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kLink).complete);
}

// A security module may keep single objects to itself.
TEST_P(LostPermissionTest, OnOneObjectLeavesTheOthers) {
  for (uint32_t id = 1; id <= 3; ++id) AddMap(id);
  Start({.source = GetParam()});
  sys_.Inject({.method = Method::kOpenById,
               .sys_errno = EPERM,
               .kind = ObjectKind::kMap,
               .after = 1,
               .times = 1});
  const Snapshot snapshot = Take();
  EXPECT_FALSE(snapshot.StatusOf(ObjectKind::kMap).complete);
  const auto last = std::ranges::find(snapshot.maps, 3u, &MapInfo::id);
  ASSERT_NE(last, snapshot.maps.end());
  EXPECT_TRUE(last->memory_bytes);
  EXPECT_EQ(std::ranges::count_if(
                snapshot.maps, [](const MapInfo& map) { return map.id <= 3 && map.memory_bytes; }),
            2);
  EXPECT_TRUE(Take().StatusOf(ObjectKind::kMap).complete);
}

}  // namespace
}  // namespace bpftally
