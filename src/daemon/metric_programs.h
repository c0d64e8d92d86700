#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "collect/collector.h"
#include "kernel/bpf_sys.h"
#include "programs/frontends/check.h"
#include "programs/plan/plan.h"
#include "programs/run/program_table.h"

namespace bpftally {

struct ProgramOptions {
  std::string directory;                // --config.dir
  std::vector<std::string> names = {};  // --config.names: NAME.yaml and NAME.bpf.o in it; none: all
  std::vector<std::string> shipped = {};  // --programs: names in the set that comes with bpftally
  std::string btf_path;                   // the kernel's types; empty: those of the running kernel
  bool strict = false;                    // a refusal by the kernel is an error
  size_t max_series = TableOptions().max_series;
};

// Holds the metric programs of this process, which are in the kernel as long as this lives. One
// thread changes them (at first main's, then that of daemon/control), one collects, and any thread
// may ask.
class MetricPrograms {
 public:
  // Returns null if the options name no program. Fails with kInvalid and all findings if a
  // configuration is wrong on any kernel. What this kernel refuses is logged and left out, unless
  // `options` are strict.
  static Result<std::unique_ptr<MetricPrograms>> Load(const ProgramOptions& options,
                                                      TableOptions table, const Clock& clock);

  MetricPrograms(const MetricPrograms&) = delete;
  MetricPrograms& operator=(const MetricPrograms&) = delete;
  ~MetricPrograms();

  // Starts the threads. Called once, after capabilities are dropped: the threads have no more than
  // their maker.
  Result<void> Start();

  // Reads the files that the options name again, and makes what they say run; returns what has
  // changed. Fails, and changes nothing, if something is wrong with a file, if the kernel refuses
  // something and the options are strict, or if a privilege is missing that was given up
  // (`kept_all`: none was).
  Result<std::string> Reload(bool kept_all);

  // Frees what was removed and is no longer read. Returns true if some is still read: call it again
  // soon.
  bool LetGo() { return table_->LetGo(); }

  // Makes a collector, which this must outlive.
  std::unique_ptr<Collector> MakeCollector();

  // Methods for any thread.

  bool wants_spans() const { return wants_spans_; }
  std::vector<SpanRecord> TakeSpans(size_t most) { return table_->TakeSpans(most); }
  std::vector<uint32_t> ProgramIds() const;  // those in the kernel
  bool all_loaded() const;                   // something runs of each configuration
  std::vector<InstanceStatus> List() const { return table_->List(); }
  // Returns the raw content of every map.
  std::string DumpMaps(std::chrono::steady_clock::time_point deadline) const;

 private:
  MetricPrograms(std::unique_ptr<BpfSys> sys, size_t possible_cpus, ProgramOptions options,
                 TableOptions table, const Clock& clock);
  Result<ChangeReport> Apply(const ChangeRules& rules);
  void WarnOfSpans(const ChangeReport& report) const;

  const std::unique_ptr<BpfSys> sys_;
  const std::unique_ptr<BpfSys> event_sys_;  // for the thread that reads events
  const size_t possible_cpus_;
  const ProgramOptions options_;
  const Clock& clock_;
  const bool wants_spans_;
  std::unique_ptr<ProgramTable> table_;
};

// Makes the check of a plan by this kernel, for `bpftally check`: --load, or also --attach.
KernelCheck AskThisKernel(BpfSys& sys, bool attach, const std::string& btf_path);

}  // namespace bpftally
