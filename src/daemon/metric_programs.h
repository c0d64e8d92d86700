#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "collect/collector.h"
#include "kernel/bpf_sys.h"
#include "programs/frontends/check.h"
#include "programs/plan/plan.h"
#include "programs/run/program_runner.h"

namespace bpftally {

struct ProgramOptions {
  std::string directory;                  // --config.dir
  std::vector<std::string> names = {};    // --config.names: NAME.yaml and NAME.bpf.o in it
  std::vector<std::string> shipped = {};  // --programs: of the set that comes with bpftally
  std::string btf_path;                   // of the kernel's types; empty: the running kernel's own
  bool strict = false;                    // what the kernel refuses is an error
  size_t max_series = RunnerOptions().max_series;
};

// The metric programs of this process, in the kernel as long as this lives.
class MetricPrograms {
 public:
  // Null where the options name none. kInvalid, with all findings: a configuration is wrong on any
  // kernel. What this kernel refuses is logged and left out, unless `options` are strict.
  static Result<std::unique_ptr<MetricPrograms>> Load(const ProgramOptions& options,
                                                      RunnerOptions runner, const Clock& clock);

  MetricPrograms(const MetricPrograms&) = delete;
  MetricPrograms& operator=(const MetricPrograms&) = delete;
  ~MetricPrograms() = default;

  // Once, after capabilities are dropped: the thread of the events has no more than its maker.
  Result<void> StartEvents() { return runner_.Start(); }

  // This must outlive it.
  std::unique_ptr<Collector> MakeCollector();

  // Of the configurations that say where spans are, if `runner` wanted them.
  bool has_spans() const { return has_spans_; }
  std::vector<SpanRecord> TakeSpans(size_t most) { return runner_.TakeSpans(most); }  // any thread

  std::vector<uint32_t> ProgramIds() const;  // that are in the kernel

  bool all_loaded() const;  // of each configuration something runs

  // Raw content of every map. Any thread.
  std::string DumpMaps(std::chrono::steady_clock::time_point deadline) const;

 private:
  MetricPrograms(std::unique_ptr<BpfSys> sys, size_t possible_cpus, RunnerOptions options,
                 const Clock& clock);
  Result<void> LoadOne(ProgramPlan plan, const ProgramOptions& options);
  Result<void> LoadInto(ProgramPlan& plan, const ProgramOptions& options,
                        std::vector<Error>& errors);

  std::unique_ptr<BpfSys> sys_;
  std::unique_ptr<BpfSys> event_sys_;  // of the events' thread
  size_t possible_cpus_;
  const Clock& clock_;
  const bool wants_spans_;
  bool has_spans_ = false;
  ProgramRunner runner_;
};

// What this kernel says of a plan, for `bpftally check`: --load, or also --attach.
KernelCheck AskThisKernel(BpfSys& sys, bool attach, const std::string& btf_path);

}  // namespace bpftally
