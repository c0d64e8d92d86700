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
  size_t max_series = 1'000'000;  // for all metrics together; more are only counted
  bool run_stats = false;         // we have the kernel count run time ourselves
  bool spans = false;             // somebody takes spans: their events are read
  EventReaderOptions events;
};

// Services that the table works with; all must outlive it.
struct TableHost {
  BpfSys& sys;
  const Clock& clock;
  HostSources sources;
  HostSources event_sources;  // for the events' own thread: shares nothing with `sources`
  size_t possible_cpus = 1;
  ObjectLoader load;
};

// Rules by which a change fails as a whole.
struct ChangeRules {
  bool strict = false;            // fails if the kernel refuses something new
  bool needs_permission = false;  // fails if something new lacks a privilege
};

// Reports what a change did, by the names of the programs, with messages for the log.
struct ChangeReport {
  std::vector<std::string> kept;      // unchanged
  std::vector<std::string> adopted;   // unchanged in the kernel, read in another way
  std::vector<std::string> replaced;  // another one in the kernel
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

  // Methods for the thread that changes the table.

  // Makes exactly these programs run: those that mean the same as before are left alone; those that
  // are only read in another way keep their object and counts; all others are loaded and started
  // before what they replace goes. Nothing has changed if it fails.
  Result<ChangeReport> Reload(std::vector<ProgramPlan> plans, const ChangeRules& rules = {});
  Result<ChangeReport> Add(ProgramPlan plan, const ChangeRules& rules = {});
  Result<ChangeReport> Remove(std::string_view name);  // kInvalid: none has that name

  // Begins to take events and to follow control groups. Called once the first programs are loaded
  // and capabilities are dropped; later programs are started as they come.
  Result<void> Start();

  // Detaches and frees programs that were removed and that no poll uses any more. Returns true if a
  // poll still uses some: call it again soon.
  bool LetGo();

  // Methods for the thread that polls.

  // Adds the families of all metrics, and those about the programs. Metrics that cannot be read by
  // `deadline` are missing and counted; an error says that, or that something else is missing.
  Result<void> Collect(std::chrono::steady_clock::time_point deadline, MetricBatch& batch,
                       Notices& said);

  // Methods for any thread.

  std::vector<InstanceStatus> List() const;
  std::shared_ptr<const InstanceList> Instances() const;
  // Takes the oldest spans.
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
  HostTables event_tables_;  // for the events' own thread
  SpanQueue spans_;
  std::unique_ptr<EventReader> events_;  // its thread uses the members above
  const InstanceHost instance_host_;
  bool started_ = false;
  std::shared_ptr<Ended> ended_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Published> published_;  // under mutex_; last: its programs use all above
};

}  // namespace bpftally
