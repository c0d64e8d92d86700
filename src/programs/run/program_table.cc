#include "programs/run/program_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <utility>

#include "programs/run/families.h"
#include "programs/run/family_merger.h"

namespace bpftally {
namespace {

// Time that a program may hold an attachment point after its removal before its successor is tried.
constexpr std::chrono::seconds kPatience{60};

bool SameMeaning(const FamilySpec& a, const FamilySpec& b) {
  return a.help == b.help && a.type == b.type && a.label_names == b.label_names;
}

Error AnotherMeaning() {
  return {ErrorKind::kInvalid, 0,
          "another configuration has a metric of this name with another help text, type or labels"};
}

// Returns whether something else holds its attachment point, as an XDP program may on an interface.
bool Clashes(const ProgramInstance& instance) {
  return std::ranges::any_of(instance.errors(), [](const Error& error) {
    return error.sys_errno == EBUSY || error.sys_errno == EEXIST;
  });
}

bool IsSameConfiguration(const ProgramPlan& a, const ProgramPlan& b) {
  return a.name == b.name && a.file == b.file;
}

// Adds what the kernel refused of a program.
void Say(const ProgramInstance& instance, Notices& said) {
  for (const Error& error : instance.errors())
    said.push_back({Notice::Severity::kError, instance.plan().name + ": " + error.message});
}

}  // namespace

// List of programs as polls see it, with the families that their metrics form together.
struct ProgramTable::Published {
  struct Member {
    ProgramInstance* instance;
    size_t metric;  // index in the plan
    std::optional<Error> conflict;
  };
  // Family of all metrics of one name.
  struct Family {
    FamilySpec spec;
    std::vector<Member> members;
  };

  explicit Published(InstanceList list) : instances(std::move(list)) {
    for (const auto& instance : instances) {
      if (instance->sources() == nullptr) continue;
      size_t place = 0;
      for (const MetricPlan& metric : MetricsOf(instance->plan()))
        Join(FamilyOf(instance->plan(), metric), {instance.get(), place++, std::nullopt});
    }
  }

  void Join(FamilySpec spec, Member member) {
    const auto same =
        std::ranges::find(families, spec.name, [](const Family& f) { return f.spec.name; });
    if (same == families.end()) {
      families.push_back({std::move(spec), {std::move(member)}});
      return;
    }
    if (!SameMeaning(same->spec, spec)) member.conflict = AnotherMeaning();
    same->members.push_back(std::move(member));
  }

  InstanceList instances;
  std::vector<Family> families;
};

// Lists that nobody uses any more. The last user of a list puts it here instead of freeing it,
// which may take as long as detaching does.
class ProgramTable::Ended {
 public:
  void CountUse() { ++in_use_; }

  void Put(const Published* list) {
    const std::lock_guard lock(mutex_);
    lists_.emplace_back(list);
    --in_use_;
    changed_.notify_all();
  }

  std::vector<std::unique_ptr<const Published>> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(lists_, {});
  }

  // Returns the number of lists in use, including the published one.
  int in_use() const { return in_use_; }

  void WaitForOne(std::chrono::seconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this] { return !lists_.empty(); });
  }

 private:
  std::atomic<int> in_use_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<const Published>> lists_;
};

// Program in the course of a change.
struct ProgramTable::ChangeEntry {
  std::shared_ptr<ProgramInstance> next;  // null: loaded only when `old` is gone
  std::weak_ptr<ProgramInstance> old = {};
  bool is_loaded = false;    // `next` was loaded by this change
  ProgramPlan waiting = {};  // plan of a `next` that waits
};

struct ProgramTable::Change {
  // Returns the programs that run in the end, as far as they exist yet.
  InstanceList after() const {
    InstanceList list;
    for (const ChangeEntry& entry : entries)
      if (entry.next != nullptr) list.push_back(entry.next);
    return list;
  }

  std::vector<ChangeEntry> entries;
  ChangeReport report;
};

ProgramTable::ProgramTable(TableHost host, TableOptions options)
    : host_(std::move(host)),
      options_(options),
      reader_(host_.sys, host_.clock, host_.possible_cpus),
      tables_(host_.sources, host_.clock),
      event_tables_(host_.event_sources, host_.clock),
      events_(MakeEventReader(options_.events)),
      instance_host_{.sys = host_.sys,
                     .clock = host_.clock,
                     .tables = tables_,
                     .event_tables = event_tables_,
                     .events = *events_,
                     .spans = options_.spans ? &spans_ : nullptr,
                     .possible_cpus = host_.possible_cpus},
      ended_(std::make_shared<Ended>()),
      published_(std::make_shared<Published>(InstanceList())) {}

ProgramTable::~ProgramTable() {
  published_.reset();
  LetGo();
}

Result<ChangeReport> ProgramTable::Reload(std::vector<ProgramPlan> plans,
                                          const ChangeRules& rules) {
  LetGo();
  Change change = Prepare(std::move(plans));
  if (auto allowed = CheckRules(change, rules); !allowed) return std::unexpected(allowed.error());
  SetAsideClashing(change);
  for (const ChangeEntry& entry : change.entries)
    if (auto started = StartNew(entry); !started) return std::unexpected(started.error());
  Publish(change.after());
  LetGo();
  for (ChangeEntry& entry : change.entries)
    if (entry.next == nullptr) LoadLate(entry, change);
  for (const ChangeEntry& entry : change.entries)
    if (entry.is_loaded) Say(*entry.next, change.report.said);
  return std::move(change.report);
}

Result<ChangeReport> ProgramTable::Add(ProgramPlan plan, const ChangeRules& rules) {
  std::vector<ProgramPlan> plans = Plans();
  plans.push_back(std::move(plan));
  return Reload(std::move(plans), rules);
}

Result<ChangeReport> ProgramTable::Remove(std::string_view name) {
  std::vector<ProgramPlan> plans = Plans();
  if (std::erase_if(plans, [&](const ProgramPlan& plan) { return plan.name == name; }) > 0)
    return Reload(std::move(plans));
  return std::unexpected(
      Error{ErrorKind::kInvalid, 0, fmt::format("there is no metric program {}", name)});
}

std::vector<ProgramPlan> ProgramTable::Plans() const {
  std::vector<ProgramPlan> plans;
  const auto instances = Instances();
  for (const auto& instance : *instances) plans.push_back(instance->plan());
  return plans;
}

// Decides for each plan what becomes of it, and loads what is new.
ProgramTable::Change ProgramTable::Prepare(std::vector<ProgramPlan> plans) {
  Change change;
  InstanceList left = *Instances();
  for (ProgramPlan& plan : plans) {
    const auto same = std::ranges::find_if(
        left, [&](const auto& old) { return IsSameConfiguration(old->plan(), plan); });
    std::shared_ptr<ProgramInstance> old;
    if (same != left.end()) {
      old = std::move(*same);
      left.erase(same);
    }
    change.entries.push_back(PrepareOne(std::move(plan), std::move(old), change.report));
  }
  for (const auto& old : left) change.report.removed.push_back(old->plan().name);
  return change;
}

ProgramTable::ChangeEntry ProgramTable::PrepareOne(ProgramPlan plan,
                                                   std::shared_ptr<ProgramInstance> old,
                                                   ChangeReport& report) {
  if (old != nullptr && old->Runs(plan)) {
    report.kept.push_back(plan.name);
    return {.next = std::move(old)};
  }
  if (old != nullptr && old->CanAdopt(plan)) {
    report.adopted.push_back(plan.name);
    return {.next = ProgramInstance::Adopt(std::move(plan), *old, report.said), .old = old};
  }
  (old == nullptr ? report.added : report.replaced).push_back(plan.name);
  auto next = ProgramInstance::Load(std::move(plan), host_.load, instance_host_, report.said);
  return {.next = std::move(next), .old = old, .is_loaded = true};
}

// Returns one error about all programs that break a rule.
Result<void> ProgramTable::CheckRules(const Change& change, const ChangeRules& rules) const {
  std::optional<Error> broken;
  for (const ChangeEntry& entry : change.entries) {
    if (!entry.is_loaded) continue;
    for (const Error& error : entry.next->errors()) {
      const bool permission = error.kind == ErrorKind::kPermission;
      if (!rules.strict && !(rules.needs_permission && permission)) continue;
      Error named = Wrap(error, entry.next->plan().name);
      if (broken)
        broken->message += "\n" + named.message;
      else
        broken = std::move(named);
    }
  }
  return broken ? Result<void>(std::unexpected(std::move(*broken))) : Result<void>();
}

// Defers programs that cannot attach while their own predecessor does.
void ProgramTable::SetAsideClashing(Change& change) {
  for (ChangeEntry& entry : change.entries) {
    if (!entry.is_loaded || entry.old.expired() || !Clashes(*entry.next)) continue;
    entry.waiting = entry.next->plan();
    entry.next.reset();
  }
}

Result<void> ProgramTable::StartNew(const ChangeEntry& entry) const {
  if (!started_ || !entry.is_loaded || entry.next == nullptr) return {};
  auto started = entry.next->Start();
  if (started) return started;
  return std::unexpected(Wrap(started.error(), entry.next->plan().name));
}

void ProgramTable::LoadLate(ChangeEntry& entry, Change& change) {
  const auto give_up = host_.clock.Now() + kPatience;
  while (!entry.old.expired() && host_.clock.Now() < give_up) {
    ended_->WaitForOne(kPatience);
    LetGo();
  }
  entry.next = ProgramInstance::Load(std::move(entry.waiting), host_.load, instance_host_,
                                     change.report.said);
  if (auto started = StartNew(entry); !started)
    change.report.said.push_back({Notice::Severity::kError, started.error().message});
  Publish(change.after());
  LetGo();
}

Result<void> ProgramTable::Start() {
  started_ = true;
  const auto instances = Instances();
  for (const auto& instance : *instances)
    if (auto started = instance->Start(); !started) return started;
  return events_->Start();
}

// Publishes a list; programs that are no longer in it begin to stop.
void ProgramTable::Publish(InstanceList instances) {
  ended_->CountUse();
  std::shared_ptr<const Published> list(
      new Published(std::move(instances)),
      [ended = ended_](const Published* unused) { ended->Put(unused); });
  const auto& after = list->instances;
  {
    const std::lock_guard lock(mutex_);
    published_.swap(list);
  }
  for (const auto& old : list->instances)
    if (std::ranges::find(after, old) == after.end()) old->Retire();
}

bool ProgramTable::LetGo() {
  ended_->Take().clear();
  return ended_->in_use() > 1;
}

std::shared_ptr<const ProgramTable::Published> ProgramTable::Current() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

std::shared_ptr<const InstanceList> ProgramTable::Instances() const {
  auto current = Current();
  const InstanceList* const instances = &current->instances;
  return {std::move(current), instances};
}

std::vector<InstanceStatus> ProgramTable::List() const {
  std::vector<InstanceStatus> statuses;
  const auto instances = Instances();  // keeps them alive while they are asked
  for (const auto& instance : *instances) statuses.push_back(instance->Status());
  return statuses;
}

Result<void> ProgramTable::Collect(std::chrono::steady_clock::time_point deadline,
                                   MetricBatch& batch, Notices& said) {
  const auto published = Current();
  ProgramPoll poll{.deadline = deadline,
                   .batch = batch,
                   .reader = reader_,
                   .series_left = options_.max_series,
                   .said = said};
  CollectFamilies(*published, poll);
  const auto sysctl = host_.sys.ReadFile("/proc/sys/kernel/bpf_stats_enabled");
  const bool run_stats = options_.run_stats || (sysctl && sysctl->starts_with('1'));
  std::vector<InstanceStatus> statuses;
  for (const auto& instance : published->instances) {
    instance->EndPoll(run_stats, said);
    statuses.push_back(instance->Status());
  }
  AddSelfFamilies(statuses, run_stats, batch);
  AddProgramFamilies(statuses, batch);
  tables_.Trim();
  reader_.FreeBuffers();
  if (poll.missing == 0) return {};
  const bool late = host_.clock.Now() >= deadline;
  return std::unexpected(Error{
      late ? ErrorKind::kExhausted : ErrorKind::kInternal, late ? ETIMEDOUT : 0,
      fmt::format("{} metrics are missing; the first is {}", poll.missing, poll.first_missing)});
}

void ProgramTable::CollectFamilies(const Published& published, ProgramPoll& poll) {
  for (const auto& instance : published.instances)
    if (instance->sources() != nullptr) instance->sources()->BeginPoll(poll);
  for (const Published::Family& family : published.families) {
    FamilyMerger merger(poll.batch.Add(family.spec, kMetricPrograms));
    for (const Published::Member& member : family.members) {
      ProgramSources& sources = *member.instance->sources();
      Result<Evaluated> evaluated = sources.Read(member.metric, member.conflict, poll);
      if (evaluated) sources.CountDuplicates(member.metric, merger.Take(std::move(*evaluated)));
    }
  }
}

}  // namespace bpftally
