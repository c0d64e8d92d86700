#pragma once

// Sources of one metric program: reads its maps, takes its events, evaluates both, and keeps the
// status of each metric. All that touches evaluators is here.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "host/tables.h"
#include "kernel/bpf_sys.h"
#include "model/metric_batch.h"
#include "programs/evaluate/source_evaluator.h"
#include "programs/evaluate/span_queue.h"
#include "programs/load/loaded_object.h"
#include "programs/plan/plan.h"
#include "programs/read/event_reader.h"
#include "programs/read/map_reader.h"
#include "programs/run/instance_status.h"

namespace bpftally {

// Services that all metric programs of a process share. All of them must outlive the programs.
struct InstanceHost {
  BpfSys& sys;
  const Clock& clock;
  HostTables& tables;        // for the thread that polls
  HostTables& event_tables;  // for the thread that takes events
  EventReader& events;
  SpanQueue* spans = nullptr;  // null: nobody wants spans, and their events are not read
  size_t possible_cpus = 1;
};

// State of one poll of all metric programs.
struct ProgramPoll {
  std::chrono::steady_clock::time_point deadline;
  MetricBatch& batch;
  MapReader& reader;
  size_t series_left;  // for all metrics together
  Notices& said;
  size_t missing = 0;  // number of metrics
  std::string first_missing = {};
};

class MetricReader;
class SpansReader;

// Made and destroyed by the thread that changes programs, read by the one that polls.
class ProgramSources {
 public:
  // Takes events from now on. A metric that cannot be read is reported, and does no harm to others.
  // If `before` is given, it reads the same maps: metrics and spans that mean the same in both are
  // shared with it, so that their counts go on.
  ProgramSources(const ProgramPlan& plan, std::shared_ptr<LoadedProgram> loaded,
                 int64_t loaded_at_ns, const InstanceHost& host, const ProgramSources* before,
                 Notices& said);
  ProgramSources(const ProgramSources&) = delete;
  ProgramSources& operator=(const ProgramSources&) = delete;
  ~ProgramSources();

  // Poll: first of all sources that must run before anybody reads, then metric after metric.
  // `metric` is its index in the plan; `conflict` says why it must not be published.
  void BeginPoll(ProgramPoll& poll);
  Result<Evaluated> Read(size_t metric, const std::optional<Error>& conflict, ProgramPoll& poll);
  void CountDuplicates(size_t metric, uint64_t count);
  void EndPoll();

  // Methods for the thread that polls.
  std::vector<MetricStatus> Metrics() const;
  std::vector<SpansStatus> Spans() const;
  uint64_t decoder_errors() const { return *decoder_errors_; }  // includes those of `before`

  // Returns what is known without a poll: names, and why a metric can never be read. For use by any
  // thread.
  std::vector<MetricStatus> MetricsBeforePolls() const;

 private:
  // Reader of one map, which is read once for all of its metrics.
  struct MapSourceReader {
    size_t first = 0;  // index of its first metric
    const MapHandle* map = nullptr;
    std::unique_ptr<SourceEvaluator> evaluator;
    std::vector<Result<Evaluated>> results = {};  // of each metric, once the map is read
  };

  void AddMetrics(const ProgramPlan& plan, const SourcePlan& source, const ProgramSources* before,
                  Notices& said);
  void AddMap(const ProgramPlan& plan, SourcePlan source, Notices& said);
  std::shared_ptr<MetricReader> ReaderOf(const ProgramPlan& program, const SourcePlan& source,
                                         const MetricPlan& plan, const ProgramSources* before,
                                         Notices& said);
  void AddSpans(const SourcePlan& source, const SpanPlan& plan, const ProgramSources* before,
                Notices& said);
  Result<Evaluated> Evaluate(size_t metric, ProgramPoll& poll);
  Result<Evaluated> EvaluateMap(size_t metric, ProgramPoll& poll);
  void ReadMap(MapSourceReader& source, ProgramPoll& poll) const;
  void Account(MetricReader& reader, bool known, const Result<Evaluated>& evaluated,
               ProgramPoll& poll) const;

  const InstanceHost host_;
  const std::string name_;
  const std::shared_ptr<LoadedProgram> loaded_;
  const int64_t loaded_at_ns_;
  std::vector<std::shared_ptr<MetricReader>> metrics_;
  std::vector<MapSourceReader> maps_;
  std::vector<std::shared_ptr<SpansReader>> spans_;
  const std::shared_ptr<uint64_t> decoder_errors_;  // used by the thread that polls

  // State of the current poll.
  std::optional<Error> iterators_failed_;  // if set, the maps are incomplete
};

}  // namespace bpftally
