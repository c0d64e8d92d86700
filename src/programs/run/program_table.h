#pragma once

// The metric programs of a process: adds, replaces and removes them while they are read.
//
// One thread changes the table, one polls it, any may ask how the programs fare. Each change makes
// a new immutable list and publishes it; a poll takes the list once and keeps it to its end, so
// that it never sees half a change. A program that is no longer in the list stays in the kernel
// until the last poll that has it has ended. Then LetGo(), on the thread that changes the table,
// detaches it: a slow detach never holds up a poll.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "host/tables.h"
#include "kernel/bpf_sys.h"
#include "model/metric_batch.h"
#include "programs/evaluate/span_queue.h"
#include "programs/plan/plan.h"
#include "programs/read/event_reader.h"
#include "programs/read/map_reader.h"
#include "programs/run/instance.h"
#include "programs/run/instance_status.h"
#include "programs/run/source_reader.h"

namespace bpftally {

struct TableOptions {
  size_t max_series = 1'000'000;  // of all metrics together; what is more is counted
  bool run_stats = false;         // we have the kernel count run time ourselves
  bool spans = false;             // somebody takes them: their events are read
  EventReaderOptions events;
};

// What the table works with; all must outlive it.
struct TableHost {
  BpfSys& sys;
  const Clock& clock;
  HostSources sources;
  HostSources event_sources;  // for the events' own thread: shares nothing with the others
  size_t possible_cpus = 1;
  ObjectLoader load;
};

// When a change fails as a whole.
struct ChangeRules {
  bool strict = false;            // the kernel refuses anything of what is new
  bool needs_permission = false;  // a privilege is missing for anything of what is new
};

// What a change did, by the names of the programs, and what is to be said of it.
struct ChangeReport {
  std::vector<std::string> kept;      // as they were
  std::vector<std::string> adopted;   // the same in the kernel, read in another way
  std::vector<std::string> replaced;  // another in the kernel
  std::vector<std::string> added;
  std::vector<std::string> removed;
  Notices said;
};

using InstanceList = std::vector<std::shared_ptr<ProgramInstance>>;

class ProgramTable {
 public:
  ProgramTable(TableHost host, TableOptions options);
  ProgramTable(const ProgramTable&) = delete;
  ProgramTable& operator=(const ProgramTable&) = delete;
  ~ProgramTable();

  // By the thread that changes the table.

  // These run and no others: what means the same as before is left alone, what is only read in
  // another way keeps its object and its counts, all else is loaded and started before what it
  // replaces goes. An error: nothing has changed.
  Result<ChangeReport> Reload(std::vector<ProgramPlan> plans, const ChangeRules& rules = {});
  Result<ChangeReport> Add(ProgramPlan plan, const ChangeRules& rules = {});
  Result<ChangeReport> Remove(std::string_view name);  // kInvalid: there is none of that name

  // Once all that is there at first is there, and capabilities are dropped: begins to take events
  // and to follow control groups. What comes later is started as it comes.
  Result<void> Start();

  // Detaches and frees what was removed and no poll uses any more. True: a poll still uses some, so
  // that this is to be called again soon.
  bool LetGo();

  // By the thread that polls.

  // Adds the families of all metrics, and those about the programs. What cannot be read by
  // `deadline` is missing and counted; an error says that, or that something else is missing.
  Result<void> Collect(std::chrono::steady_clock::time_point deadline, MetricBatch& batch,
                       Notices& said);

  // Any thread.

  std::vector<InstanceStatus> List() const;
  std::shared_ptr<const InstanceList> Instances() const;
  // The oldest spans that nobody took yet.
  std::vector<SpanRecord> TakeSpans(size_t most) { return spans_.Take(most); }

 private:
  struct Published;
  class Ended;
  struct ChangeEntry;
  struct Change;

  std::vector<ProgramPlan> Plans() const;
  Change Prepare(std::vector<ProgramPlan> plans);
  ChangeEntry PrepareOne(ProgramPlan plan, std::shared_ptr<ProgramInstance> old,
                         ChangeReport& report);
  Result<void> CheckRules(const Change& change, const ChangeRules& rules) const;
  static void SetAsideClashing(Change& change);
  Result<void> StartNew(const ChangeEntry& entry) const;
  void LoadLate(ChangeEntry& entry, Change& change);
  void Publish(InstanceList instances);
  std::shared_ptr<const Published> Current() const;

  void CollectFamilies(const Published& published, ProgramPoll& poll);

  TableHost host_;
  const TableOptions options_;
  MapReader reader_;
  HostTables tables_;
  HostTables event_tables_;  // of the events' own thread
  SpanQueue spans_;
  std::unique_ptr<EventReader> events_;  // its thread uses what is above
  const InstanceHost instance_host_;
  bool started_ = false;
  std::shared_ptr<Ended> ended_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Published> published_;  // under mutex_; last: its programs use all above
};

}  // namespace bpftally
