// Every call of BpfSys fails with every errno, always or once in the middle of a walk, under the
// real reader and the real collectors: what is published is right or missing, what misses something
// says so, and nobody else notices.

#include <spdlog/spdlog.h>

#include <cerrno>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <variant>

#include "census/reader_fixture.h"
#include "collect/batch_reader.h"
#include "collect/collector_set.h"
#include "faults/errnos.h"

namespace bpftally {
namespace {

struct MatrixRow {
  Method method;
  SourceChoice source;
};

bool IsOfAKind(Method method) {
  return method != Method::kReadFile && method != Method::kCgroupPath &&
         method != Method::kOpenFdCount && method != Method::kEnableRunStats;
}

// Of the methods that are asked of an object or a list of one kind, or of the others.
std::vector<MatrixRow> MatrixRows(bool of_a_kind) {
  std::vector<MatrixRow> rows;
  for (size_t method = 0; method < kMethods; ++method) {
    if (IsOfAKind(static_cast<Method>(method)) != of_a_kind) continue;
    for (const SourceChoice source : {SourceChoice::kAuto, SourceChoice::kSyscall})
      rows.push_back({static_cast<Method>(method), source});
  }
  return rows;
}

std::string RowName(const ::testing::TestParamInfo<MatrixRow>& info) {
  return std::string(MethodName(info.param.method)) + "_" +
         SourceChoiceName({info.param.source, 0});
}

constexpr uint32_t kCount = 5;  // objects of each kind, with the ids from 1 on

// What the reader itself has loaded differs from source to source.
bool IsOurs(const LabelMap& labels) {
  const auto id = labels.find("id");
  return id != labels.end() && std::stoul(id->second) > kCount;
}

// The samples of one collector, one text each.
using Series = std::set<std::string>;
using Published = std::map<std::string, Series>;

Published Publish(const MetricBatch& batch) {
  Published published;
  for (const MetricFamily& family : batch.families()) {
    Series& series = published[std::string(family.collector)];
    for (const Sample& sample : family.samples) {
      std::string text = family.spec.name;
      const LabelMap labels = LabelsOf(family, sample);
      if (IsOurs(labels)) continue;
      for (const auto& [name, value] : labels) text += " " + name + "=" + value;
      std::visit(
          [&](const auto& value) {
            if constexpr (requires { std::to_string(value); }) text += " " + std::to_string(value);
          },
          sample.value);
      series.insert(std::move(text));
    }
  }
  return published;
}

std::string CollectorOf(ObjectKind kind) {
  return kind == ObjectKind::kBtf ? "btf" : std::string(ObjectKindName(kind)) + "s";
}

class ErrnoMatrixTest : public ReaderTest, public ::testing::WithParamInterface<MatrixRow> {
 protected:
  ErrnoMatrixTest() {
    for (uint32_t id = 1; id <= kCount; ++id) {
      AddProgram(id).map_ids = {1, 2, 3};
      AddMap(id).keys = 3;
      FakeLink& link = AddLink(id, id % 2 == 0 ? BPF_LINK_TYPE_CGROUP : BPF_LINK_TYPE_KPROBE_MULTI);
      link.record = {.known = id % 2 == 0 ? LINK_KNOWS_CGROUP : LINK_KNOWS_COUNT, .cgroup_id = 7};
      link.info.kprobe_multi.count = 4;
      sys_.btf[id].data.resize(8);
    }
    sys_.cgroups[7] = "/user.slice";
    spdlog::set_level(spdlog::level::off);  // collectors tell the log when they fail
  }
  ~ErrnoMatrixTest() override { spdlog::set_level(spdlog::level::info); }

  struct Look {
    MetricBatch batch;
    Published published;

    bool Succeeded(const std::string& collector) const {
      return ValueOf(batch, "bpftally_collector_success", {{"collector", collector}}) ==
             Unsigned(1);
    }
    size_t Objects(ObjectKind kind) const {
      const std::string info = "bpf_" + std::string(ObjectKindName(kind)) + "_info ";
      return static_cast<size_t>(std::ranges::count_if(
          published.at(CollectorOf(kind)),
          [&](const std::string& series) { return series.starts_with(info); }));
    }
    std::optional<Number> Vanished(ObjectKind kind) const {
      return ValueOf(batch, "bpftally_objects_vanished_total",
                     {{"kind", std::string(ObjectKindName(kind))}});
    }
    bool HasErrorOf(const std::string& collector) const {
      return ValueOf(batch, "bpftally_collect_errors_total", {{"collector", collector}})
          .has_value();
    }
  };

  void StartAnew() {
    Start({.source = GetParam().source, .run_stats = true, .scan_entries = true});
    set_ = std::make_unique<CollectorSet>(MakeCollectors({}), CollectOptions{}, clock_);
  }

  Look Collect() {
    const Snapshot snapshot = Take(std::chrono::seconds(20));
    Look look;
    set_->Collect(snapshot, look.batch);
    const Result<void> valid = Validate(look.batch);
    EXPECT_TRUE(valid) << valid.error().message;
    look.published = Publish(look.batch);
    return look;
  }

  // Iterators are loaded once, at the start; all else fails while a reader that knows nothing yet
  // walks.
  Look CollectWith(const Fault& fault) {
    const bool at_start = fault.method == Method::kLoadIterator;
    if (at_start) sys_.Inject(fault);
    StartAnew();
    if (!at_start) sys_.Inject(fault);
    Look look = Collect();
    sys_.ClearFaults();
    if (at_start) StartAnew();
    return look;
  }

  static std::vector<Fault> FaultsOn(ObjectKind kind) {
    const Method method = GetParam().method;
    std::vector<Fault> faults;
    for (const int sys_errno : kErrnos) {
      // An iterator that rests for ever takes the time of the kinds behind it.
      const bool rests = method == Method::kRead && (sys_errno == EAGAIN || sys_errno == EINTR);
      if (!rests) faults.push_back({.method = method, .sys_errno = sys_errno, .kind = kind});
    }
    for (const int sys_errno : {EPERM, ENOENT, EAGAIN, EINTR, ENOMEM, EIO})
      faults.push_back(
          {.method = method, .sys_errno = sys_errno, .kind = kind, .after = 2, .times = 1});
    return faults;
  }

  static void ExpectSame(const Look& look, const Look& whole, const std::string& collector) {
    EXPECT_EQ(look.published.at(collector), whole.published.at(collector)) << collector;
    EXPECT_EQ(look.Succeeded(collector), whole.Succeeded(collector)) << collector;
  }

  // Whatever is told of the kind is true, and what is missing without a word has vanished.
  static void ExpectHonest(const Look& look, const Look& whole, const Fault& fault) {
    const ObjectKind kind = *fault.kind;
    const std::string collector = CollectorOf(kind);
    const Series& told = look.published.at(collector);
    const Series& known = whole.published.at(collector);
    // By another source the same object may have other series; and a list of keys that ends
    // (ENOENT) is that long.
    const bool differs = fault.method == Method::kLoadIterator ||
                         (fault.method == Method::kNextKey && fault.sys_errno == ENOENT);
    if (!differs) {
      EXPECT_TRUE(std::ranges::includes(known, told)) << collector << " says what is not so";
    }
    if (!look.Succeeded(collector)) {
      EXPECT_TRUE(look.HasErrorOf(collector));
      return;
    }
    EXPECT_FALSE(look.HasErrorOf(collector));
    const bool list_ended = fault.method == Method::kNextId && fault.sys_errno == ENOENT;
    if (list_ended || !whole.Succeeded(collector)) return;
    const uint64_t vanished = std::get<uint64_t>(look.Vanished(kind).value_or(uint64_t{0}));
    EXPECT_GE(look.Objects(kind) + vanished, whole.Objects(kind)) << collector;
  }

  std::unique_ptr<CollectorSet> set_;
};

class KindlessErrnoMatrixTest : public ErrnoMatrixTest {};

INSTANTIATE_TEST_SUITE_P(, ErrnoMatrixTest, ::testing::ValuesIn(MatrixRows(true)), RowName);
INSTANTIATE_TEST_SUITE_P(, KindlessErrnoMatrixTest, ::testing::ValuesIn(MatrixRows(false)),
                         RowName);

// Programs tell how often they are attached, which only a whole list of links says.
bool DependsOn(ObjectKind kind, ObjectKind hurt) {
  return kind == hurt || (kind == ObjectKind::kProgram && hurt == ObjectKind::kLink);
}

TEST_P(ErrnoMatrixTest, AFaultHurtsItsKindOnlyAndIsToldAndGoesBy) {
  StartAnew();
  const Look whole = Collect();
  for (const ObjectKind hurt : kObjectKinds) {
    for (const Fault& fault : FaultsOn(hurt)) {
      SCOPED_TRACE(std::string(ObjectKindName(hurt)) + " errno " + std::to_string(fault.sys_errno) +
                   (fault.after > 0 ? " once" : " always"));
      const Look look = CollectWith(fault);
      ExpectHonest(look, whole, fault);
      for (const ObjectKind kind : kObjectKinds) {
        if (!DependsOn(kind, hurt)) ExpectSame(look, whole, CollectorOf(kind));
      }
      const Look after = Collect();
      for (const ObjectKind kind : kObjectKinds) ExpectSame(after, whole, CollectorOf(kind));
    }
  }
}

TEST_P(KindlessErrnoMatrixTest, AFaultCostsNoObject) {
  StartAnew();
  const Look whole = Collect();
  for (const int sys_errno : kErrnos) {
    SCOPED_TRACE("errno " + std::to_string(sys_errno));
    sys_.Inject({.method = GetParam().method, .sys_errno = sys_errno});
    const Look look = Collect();
    sys_.ClearFaults();
    for (const ObjectKind kind : kObjectKinds) {
      EXPECT_EQ(look.Objects(kind), whole.Objects(kind));
      EXPECT_EQ(look.Succeeded(CollectorOf(kind)), whole.Succeeded(CollectorOf(kind)));
      EXPECT_TRUE(std::ranges::includes(whole.published.at(CollectorOf(kind)),
                                        look.published.at(CollectorOf(kind))));
    }
    const Look after = Collect();
    for (const ObjectKind kind : kObjectKinds) ExpectSame(after, whole, CollectorOf(kind));
  }
}

}  // namespace
}  // namespace bpftally
