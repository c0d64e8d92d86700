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
  std::vector<std::string> shipped = {};  // --programs: of the set that comes with bpftally
  std::string btf_path;                   // of the kernel's types; empty: the running kernel's own
  bool strict = false;                    // what the kernel refuses is an error
  size_t max_series = TableOptions().max_series;
};

// The metric programs of this process, in the kernel as long as this lives. One thread changes them
// (at first that of main, then that of daemon/control), one collects, any may ask.
class MetricPrograms {
 public:
  // Null where the options name none. kInvalid, with all findings: a configuration is wrong on any
  // kernel. What this kernel refuses is logged and left out, unless `options` are strict.
  static Result<std::unique_ptr<MetricPrograms>> Load(const ProgramOptions& options,
                                                      TableOptions table, const Clock& clock);

  MetricPrograms(const MetricPrograms&) = delete;
  MetricPrograms& operator=(const MetricPrograms&) = delete;
  ~MetricPrograms();

  // Once, after capabilities are dropped: the threads have no more than their maker.
  Result<void> Start();

  // Reads the files that the options name again, and makes what they say run; says what has
  // changed. An error: something is wrong with a file, or the kernel refuses something and the
  // options are strict, or a privilege is missing that was given up (`kept_all`: none was). Then
  // nothing has changed.
  Result<std::string> Reload(bool kept_all);

  // Frees what was removed and is not read any more. True: call it again soon, some is still read.
  bool LetGo() { return table_->LetGo(); }

  // This must outlive it.
  std::unique_ptr<Collector> MakeCollector();

  // Any thread.

  bool wants_spans() const { return wants_spans_; }
  std::vector<SpanRecord> TakeSpans(size_t most) { return table_->TakeSpans(most); }
  std::vector<uint32_t> ProgramIds() const;  // that are in the kernel
  bool all_loaded() const;                   // of each configuration something runs
  std::vector<InstanceStatus> List() const { return table_->List(); }
  // Raw content of every map.
  std::string DumpMaps(std::chrono::steady_clock::time_point deadline) const;

 private:
  MetricPrograms(std::unique_ptr<BpfSys> sys, size_t possible_cpus, ProgramOptions options,
                 TableOptions table, const Clock& clock);
  Result<ChangeReport> Apply(const ChangeRules& rules);
  void WarnOfSpans(const ChangeReport& report) const;

  const std::unique_ptr<BpfSys> sys_;
  const std::unique_ptr<BpfSys> event_sys_;  // of the events' thread
  const size_t possible_cpus_;
  const ProgramOptions options_;
  const Clock& clock_;
  const bool wants_spans_;
  std::unique_ptr<ProgramTable> table_;
};

// What this kernel says of a plan, for `bpftally check`: --load, or also --attach.
KernelCheck AskThisKernel(BpfSys& sys, bool attach, const std::string& btf_path);

}  // namespace bpftally
