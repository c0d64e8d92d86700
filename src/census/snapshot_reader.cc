#include "census/snapshot_reader.h"

#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include "census/btf_names.h"
#include "census/btf_walker.h"
#include "census/link_walker.h"
#include "census/map_walker.h"
#include "census/program_walker.h"
#include "host/processes.h"
#include "kernel/bpf_sys.h"
#include "kernel/object_info.h"

namespace bpftally {
namespace {

constexpr const char* kStatsSysctl = "/proc/sys/kernel/bpf_stats_enabled";

// How one kind is walked, found out at start.
struct Choice {
  Source source = Source::kNone;
  UniqueFd iterator;           // our link, with Source::kIterator
  uint32_t own_program = 0;    // the iterator's
  std::optional<Error> error;  // why the source is not the better one
};

Result<UniqueFd> LoadIterator(BpfSys& sys, ObjectKind kind) {
  auto link = sys.LoadIterator(kind, true);
  // Under lockdown=confidentiality a kernel before 6.2 refuses what reads memory; without it, less
  // is known.
  return link || link.error().kind == ErrorKind::kPermission ? std::move(link)
                                                             : sys.LoadIterator(kind, false);
}

// From time since boot to wall time. Whoever interrupts us between the two readings makes it
// smaller.
int64_t BootToWall(const Clock& clock) {
  int64_t largest = std::numeric_limits<int64_t>::min();
  for (int i = 0; i < 8; ++i) {
    const int64_t wall = clock.WallNanoseconds();
    largest = std::max(largest, wall - clock.BootNanoseconds());
  }
  return largest;
}

class Reader final : public SnapshotReader {
 public:
  Reader(BpfSys& sys, const Clock& clock, ReaderOptions options)
      : sys_(sys),
        clock_(clock),
        options_(options),
        boot_to_wall_ns_(BootToWall(clock)),
        names_(sys),
        programs_(names_),
        maps_(names_,
              {.enabled = options.scan_entries, .max_entries = options.max_scanned_entries}),
        links_(names_) {}

  Result<void> Start();
  Snapshot Take(std::chrono::steady_clock::time_point deadline) override;
  void SetOwnPrograms(std::vector<uint32_t> ids) override { own_programs_ = std::move(ids); }

 private:
  Choice& ChoiceOf(ObjectKind kind) { return choices_[static_cast<size_t>(kind)]; }
  Choice Choose(ObjectKind kind);
  void LearnOwnIds(Choice& choice);
  Result<void> Walk(const Pass& pass, ObjectKind kind, Snapshot& snapshot);
  Result<void> WalkByIterator(const Pass& pass, ObjectKind kind, Snapshot& snapshot);
  Result<void> WalkById(const Pass& pass, ObjectKind kind, Snapshot& snapshot);
  void WalkInto(const Pass& pass, ObjectKind kind, Snapshot& snapshot);
  void Forget(ObjectKind kind, const Snapshot& snapshot);
  void CountCreated(ObjectKind kind, uint32_t highest, KindStatus& status);
  bool OwnRunsGrow(const Snapshot& snapshot);
  void SettleRunStats(Snapshot& snapshot);
  void MarkSelf(Snapshot& snapshot);
  void NoteFeature(const char* name, const char* source, bool available);
  void NoteFeatures(const Snapshot& snapshot);

  BpfSys& sys_;
  const Clock& clock_;
  const ReaderOptions options_;
  // Fixed once: reckoned anew at each pass, load times would flap by a nanosecond's rounding.
  const int64_t boot_to_wall_ns_;
  std::vector<uint32_t> own_programs_;  // but for the iterators'
  BtfNames names_;
  ProgramWalker programs_;
  MapWalker maps_;
  LinkWalker links_;
  BtfWalker btf_;
  std::array<Choice, kObjectKinds.size()> choices_;
  std::array<std::optional<std::pair<uint32_t, uint64_t>>, kObjectKinds.size()>
      created_;  // highest id, its growth
  bool may_open_ = false;
  UniqueFd run_stats_;
  uint64_t own_runs_ = 0;  // of our program iterator, at the last pass
  std::vector<Feature>
      features_;  // what was found out so far; grows as walks meet objects that show it
};

Result<void> Reader::Start() {
  const auto listed = sys_.NextId(ObjectKind::kProgram, 0);
  may_open_ = listed.has_value() && options_.source != SourceChoice::kIterator;
  for (const ObjectKind kind : kObjectKinds) {
    ChoiceOf(kind) = Choose(kind);
    if (kind != ObjectKind::kBtf)  // which no kernel has
      NoteFeature(ObjectKindName(kind), "iterator", ChoiceOf(kind).source == Source::kIterator);
    NoteFeature(ObjectKindName(kind), "syscall", may_open_);
  }
  if (options_.run_stats) {
    auto fd = sys_.EnableRunStats();
    if (!fd) return std::unexpected(fd.error());
    run_stats_ = std::move(*fd);
  }
  if (std::ranges::any_of(choices_,
                          [](const Choice& choice) { return choice.source != Source::kNone; }))
    return {};
  return std::unexpected(Wrap(*ChoiceOf(ObjectKind::kProgram).error, "cannot see any BPF object"));
}

Choice Reader::Choose(ObjectKind kind) {
  Choice choice;
  if (options_.source != SourceChoice::kSyscall) {
    auto link = LoadIterator(sys_, kind);
    if (link) {
      choice.source = Source::kIterator;
      choice.iterator = std::move(*link);
      LearnOwnIds(choice);
      return choice;
    }
    choice.error = link.error();
  }
  if (options_.source != SourceChoice::kIterator) {
    const auto next = sys_.NextId(kind, 0);
    if (next) {
      choice.source = Source::kSyscall;
    } else {
      // The iterator's error says more: it needs less than the system call.
      if (!choice.error || kind == ObjectKind::kBtf) choice.error = next.error();
    }
  }
  return choice;
}

void Reader::LearnOwnIds(Choice& choice) {
  bpf_link_info info{};
  if (!GetInfo(sys_, choice.iterator.get(), info)) return;
  choice.own_program = info.prog_id;
}

Result<void> Reader::WalkByIterator(const Pass& pass, ObjectKind kind, Snapshot& snapshot) {
  const int link = ChoiceOf(kind).iterator.get();
  switch (kind) {
    case ObjectKind::kProgram:
      return programs_.WalkByIterator(pass, link, snapshot.programs);
    case ObjectKind::kMap:
      return maps_.WalkByIterator(pass, link, snapshot.maps);
    case ObjectKind::kLink:
      return links_.WalkByIterator(pass, link, snapshot.maps, snapshot.links);
    case ObjectKind::kBtf:
      break;
  }
  return std::unexpected(Error{ErrorKind::kInternal, 0, "no iterator over BTF objects"});
}

Result<void> Reader::WalkById(const Pass& pass, ObjectKind kind, Snapshot& snapshot) {
  uint64_t& vanished = snapshot.StatusOf(kind).vanished;
  switch (kind) {
    case ObjectKind::kProgram:
      return programs_.WalkById(pass, vanished, snapshot.programs);
    case ObjectKind::kMap:
      return maps_.WalkById(pass, vanished, snapshot.maps);
    case ObjectKind::kLink:
      return links_.WalkById(pass, snapshot.maps, vanished, snapshot.links);
    case ObjectKind::kBtf:
      break;
  }
  return btf_.WalkById(pass, vanished, snapshot.btf);
}

Result<void> Reader::Walk(const Pass& pass, ObjectKind kind, Snapshot& snapshot) {
  switch (ChoiceOf(kind).source) {
    case Source::kIterator:
      return WalkByIterator(pass, kind, snapshot);
    case Source::kSyscall:
      return WalkById(pass, kind, snapshot);
    case Source::kNone:
      break;
  }
  return std::unexpected(*ChoiceOf(kind).error);
}

template <typename Info>
uint32_t HighestId(const std::vector<Info>& objects) {
  return objects.empty() ? 0 : objects.back().id;
}

uint32_t HighestId(const Snapshot& snapshot, ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kProgram:
      return HighestId(snapshot.programs);
    case ObjectKind::kMap:
      return HighestId(snapshot.maps);
    case ObjectKind::kLink:
      return HighestId(snapshot.links);
    case ObjectKind::kBtf:
      break;
  }
  return HighestId(snapshot.btf);
}

void Reader::WalkInto(const Pass& pass, ObjectKind kind, Snapshot& snapshot) {
  KindStatus& status = snapshot.StatusOf(kind);
  status.source = ChoiceOf(kind).source;
  const auto walked = Walk(pass, kind, snapshot);
  status.complete = walked.has_value();
  if (!walked) status.error = walked.error();
  if (status.complete) Forget(kind, snapshot);
  CountCreated(kind, HighestId(snapshot, kind), status);
}

void Reader::Forget(ObjectKind kind, const Snapshot& snapshot) {
  switch (kind) {
    case ObjectKind::kProgram:
      return programs_.Forget(snapshot.programs);
    case ObjectKind::kMap:
      return maps_.Forget(snapshot.maps);
    case ObjectKind::kLink:
      return links_.Forget(snapshot.links);
    case ObjectKind::kBtf:
      return btf_.Forget(snapshot.btf);
  }
}

// Ids are given out in ascending order (idr_alloc_cyclic), so the growth of the highest is how many
// were made. Only a whole walk can tell the first highest one: what it missed is not new.
void Reader::CountCreated(ObjectKind kind, uint32_t highest, KindStatus& status) {
  auto& created = created_[static_cast<size_t>(kind)];
  if (!created && !status.complete) return;
  if (!created) created = {highest, 0};
  if (highest > created->first) created = {highest, created->second + (highest - created->first)};
  status.created = created->second;
}

// The sysctl does not tell of another process's BPF_ENABLE_STATS; that the runs of our own iterator
// are counted does.
bool Reader::OwnRunsGrow(const Snapshot& snapshot) {
  const uint32_t own = ChoiceOf(ObjectKind::kProgram).own_program;
  const auto found = std::ranges::lower_bound(snapshot.programs, own, {}, &ProgramInfo::id);
  if (found == snapshot.programs.end() || found->id != own || !found->run_count) return false;
  return *found->run_count > std::exchange(own_runs_, *found->run_count);
}

// Counts that stand still since who knows when are not published as if they were today's.
void Reader::SettleRunStats(Snapshot& snapshot) {
  const bool own_runs_grow = OwnRunsGrow(snapshot);
  const auto sysctl = sys_.ReadFile(kStatsSysctl);
  if (!sysctl && !run_stats_ && !own_runs_grow) {
    snapshot.stats_enabled = std::nullopt;
  } else {
    snapshot.stats_enabled = run_stats_ || own_runs_grow || (sysctl && sysctl->starts_with('1'));
  }
  if (snapshot.stats_enabled == true) return;
  for (ProgramInfo& program : snapshot.programs) {
    program.run_time_ns.reset();
    program.run_count.reset();
  }
}

void Reader::MarkSelf(Snapshot& snapshot) {
  std::unordered_set<uint32_t> own_programs(own_programs_.begin(), own_programs_.end());
  std::unordered_set<uint32_t> own_maps;
  for (const Choice& choice : choices_)
    if (choice.own_program != 0) own_programs.insert(choice.own_program);
  if (own_programs.empty()) return;
  for (ProgramInfo& program : snapshot.programs) {
    program.self = own_programs.contains(program.id);
    if (program.self && program.map_ids)
      own_maps.insert(program.map_ids->begin(), program.map_ids->end());
  }
  for (MapInfo& map : snapshot.maps) map.self = own_maps.contains(map.id);
  for (LinkInfo& link : snapshot.links) link.self = own_programs.contains(link.program_id);
}

// Once seen, a feature stays: that no object shows it right now does not take it away.
void Reader::NoteFeature(const char* name, const char* source, bool available) {
  const auto found = std::ranges::find_if(features_, [&](const Feature& feature) {
    return feature.name == name && feature.source == source;
  });
  if (found == features_.end()) {
    features_.push_back({name, source, available});
  } else {
    found->available |= available;
  }
}

template <typename Info, typename Applies, typename Known>
std::optional<bool> Shown(const std::vector<Info>& objects, Applies applies, Known known) {
  std::optional<bool> shown;
  for (const Info& object : objects) {
    if (applies(object)) shown = shown.value_or(false) || known(object);
  }
  return shown;
}

void Reader::NoteFeatures(const Snapshot& snapshot) {
  const auto note = [this](const char* name, const char* source, std::optional<bool> shown) {
    if (shown) NoteFeature(name, source, *shown);
  };
  const auto every = [](const auto&) { return true; };
  note("map_memory", "fdinfo", Shown(snapshot.maps, every, [](const MapInfo& map) {
         return map.memory_bytes.has_value();
       }));
  note("map_entries", "iterator",
       Shown(
           snapshot.maps, [](const MapInfo& map) { return map.type == BPF_MAP_TYPE_HASH; },
           [](const MapInfo& map) { return map.entries.has_value(); }));
  note("map_buffers", "iterator",
       Shown(
           snapshot.maps, [](const MapInfo& map) { return map.type == BPF_MAP_TYPE_RINGBUF; },
           [](const MapInfo& map) { return map.buffer_backlog_bytes.has_value(); }));
  note("program_run_stats", SourceName(ChoiceOf(ObjectKind::kProgram).source),
       Shown(snapshot.programs, every,
             [](const ProgramInfo& program) { return program.recursion_misses.has_value(); }));
}

Snapshot Reader::Take(std::chrono::steady_clock::time_point deadline) {
  Snapshot snapshot;
  snapshot.taken_at_ns = clock_.WallNanoseconds();
  const Pass pass{.sys = sys_,
                  .clock = clock_,
                  .deadline = deadline,
                  .boot_to_wall_ns = boot_to_wall_ns_,
                  .may_open = may_open_};
  for (const ObjectKind kind : kObjectKinds) WalkInto(pass, kind, snapshot);
  SettleRunStats(snapshot);
  names_.EndPass();
  MarkSelf(snapshot);
  snapshot.process = ReadProcessInfo(sys_, boot_to_wall_ns_);
  NoteFeatures(snapshot);
  snapshot.features = features_;
  return snapshot;
}

}  // namespace

Result<std::unique_ptr<SnapshotReader>> SnapshotReader::Create(BpfSys& sys, const Clock& clock,
                                                               ReaderOptions options) {
  auto reader = std::make_unique<Reader>(sys, clock, options);
  if (auto started = reader->Start(); !started) return std::unexpected(started.error());
  return reader;
}

}  // namespace bpftally
