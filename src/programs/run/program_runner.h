#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "host/tables.h"
#include "kernel/bpf_sys.h"
#include "kernel/map_handle.h"
#include "model/metric_batch.h"
#include "programs/evaluate/event_evaluator.h"
#include "programs/evaluate/source_evaluator.h"
#include "programs/evaluate/span_queue.h"
#include "programs/evaluate/span_source.h"
#include "programs/load/cgroup_id_map.h"
#include "programs/load/loaded_object.h"
#include "programs/plan/plan.h"
#include "programs/read/event_reader.h"
#include "programs/read/map_reader.h"

namespace bpftally {

struct RunnerOptions {
  size_t max_series = 1'000'000;  // of all metrics together; what is more is counted
  bool run_stats = false;         // we have the kernel count run time ourselves
  bool spans = false;             // somebody takes them: their events are read
  EventReaderOptions events;
};

// What the runner works with; all must outlive it.
struct RunnerHost {
  BpfSys& sys;
  const Clock& clock;
  HostSources sources;
  HostSources event_sources;  // for the events' own thread: shares nothing with the others
  size_t possible_cpus = 1;
};

// What is read once for all its metrics. One of the two evaluators is there, by its kind.
struct RunningSource {
  SourcePlan plan;
  const MapHandle* map = nullptr;
  std::unique_ptr<SourceEvaluator> entries;
  std::unique_ptr<EventEvaluator> events;
  std::vector<Result<Evaluated>> results;  // of each metric at this poll, once it is read
};

// One metric of one configuration, and how it fared.
struct RunningMetric {
  MetricPlan plan;
  RunningSource* source = nullptr;
  size_t place = 0;  // among the source's metrics
  std::optional<Error> unusable;

  // At the latest look.
  double seconds = 0;
  uint64_t entries = 0;
  bool failed = false;

  // Since the start.
  std::map<ErrorKind, uint64_t> missing;  // looks without it
  uint64_t unwanted = 0;
  uint64_t over_limit = 0;
  uint64_t duplicates = 0;
  uint64_t lost_events = 0;
  uint64_t undecodable_events = 0;
};

// The spans of one ring buffer.
struct RunningSpans {
  std::string name;
  std::unique_ptr<SpanSource> source;
};

// One configuration.
struct RunningProgram {
  std::string name;
  std::vector<FunctionPlan> programs;     // of the object, as far as it is wanted
  std::unique_ptr<LoadedProgram> loaded;  // null where the kernel refused it
  std::unique_ptr<CgroupIdMap> cgroups;   // null where the configuration has none
  std::vector<std::unique_ptr<RunningSource>> sources;
  std::vector<std::unique_ptr<RunningMetric>> metrics;
  std::vector<RunningSpans> spans;  // none where nobody takes them
  int64_t loaded_at_ns = 0;         // wall clock
  uint64_t decoder_errors = 0;
  std::optional<Error> iterators_failed;  // at the latest look: its maps are half filled
};

// Owns the metric programs of this process: all of them are read at one look. One thread.
class ProgramRunner {
 public:
  ProgramRunner(RunnerHost host, RunnerOptions options);
  ProgramRunner(const ProgramRunner&) = delete;
  ProgramRunner& operator=(const ProgramRunner&) = delete;
  ~ProgramRunner() = default;

  void Add(ProgramPlan plan, std::unique_ptr<LoadedProgram> loaded,
           std::unique_ptr<CgroupIdMap> cgroups = nullptr);
  void AddFailed(ProgramPlan plan);  // the kernel refused it: it is told of, nothing more

  // Once all are there and capabilities are dropped: begins to read events, and to follow control
  // groups.
  Result<void> Start();

  // Adds the families of all metrics, and those about the programs. What cannot be read by
  // `deadline` is missing and counted; an error says that, or that something else is missing.
  Result<void> Collect(std::chrono::steady_clock::time_point deadline, MetricBatch& batch);

  // The oldest spans that nobody took yet. Any thread.
  std::vector<SpanRecord> TakeSpans(size_t most) { return spans_.Take(most); }

  const std::vector<std::unique_ptr<RunningProgram>>& programs() const { return programs_; }

 private:
  struct Member {
    RunningProgram* program;
    RunningMetric* metric;
  };
  // All metrics of one name.
  struct Family {
    FamilySpec spec;
    std::vector<Member> members;
  };
  struct Look {
    std::chrono::steady_clock::time_point deadline;
    MetricBatch& batch;
    size_t series_left;
    size_t missing = 0;
    std::string first_missing;
  };

  void AddSource(RunningProgram& program, const ProgramPlan& plan, const SourcePlan& source);
  Result<void> Prepare(RunningProgram& program, const ProgramPlan& plan, RunningSource& source);
  Result<void> PrepareSpans(RunningProgram& program, const SourcePlan& source,
                            const SpanPlan& plan);
  Result<void> ReadEvents(const MapHandle& map, EventSink& sink);
  void Join(RunningProgram& program, RunningMetric& metric, FamilySpec spec);
  void RunIterators(RunningProgram& program, const Look& look);
  void CollectFamily(const Family& family, Look& look);
  Result<Evaluated> Evaluate(const Member& member, Look& look);
  void Read(const Member& member, Look& look);
  std::vector<Result<Evaluated>> ReadMap(RunningSource& source, const EvaluationScope& scope,
                                         std::chrono::steady_clock::time_point deadline);
  void Account(const Member& member, const Result<Evaluated>& evaluated, Look& look);
  void FreeBuffers();

  RunnerHost host_;
  const RunnerOptions options_;
  MapReader reader_;
  HostTables tables_;
  HostTables event_tables_;  // of the events' own thread
  std::vector<std::unique_ptr<RunningProgram>> programs_;
  std::vector<Family> families_;
  SpanQueue spans_;
  std::unique_ptr<EventReader> events_;  // last: its thread uses what is above
};

}  // namespace bpftally
