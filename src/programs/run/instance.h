#pragma once

// One metric program in the kernel: one plan, its object, its control groups, its sources, and the
// state of all of them. Nothing outside points into an instance: whoever wants to know asks for
// Status(), which is plain data.
//
// Its life: Load (or Adopt), Start, polls, and Stop by the destructor, which detaches and frees all
// that no other instance has adopted. That may take long, so it happens on the thread that changes
// programs, never on one that polls.

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "programs/load/cgroup_id_map.h"
#include "programs/load/loaded_object.h"
#include "programs/plan/plan.h"
#include "programs/run/instance_status.h"
#include "programs/run/source_reader.h"

namespace bpftally {

// Brings a plan's object into the kernel: LoadedProgram::Load, or a substitute in tests.
using ObjectLoader = std::function<Result<std::unique_ptr<LoadedProgram>>(const ProgramPlan& plan)>;

class ProgramInstance {
 public:
  // Loads and attaches. Never fails as a whole: errors() has what the kernel refuses.
  static std::shared_ptr<ProgramInstance> Load(ProgramPlan plan, const ObjectLoader& load,
                                               const InstanceHost& host, Notices& said);

  // Makes an instance that goes on with what `old` has in the kernel, and reads it as `plan` says.
  // CanAdopt() must hold.
  static std::shared_ptr<ProgramInstance> Adopt(ProgramPlan plan, const ProgramInstance& old,
                                                Notices& said);

  ProgramInstance(const ProgramInstance&) = delete;
  ProgramInstance& operator=(const ProgramInstance&) = delete;
  ~ProgramInstance();

  // Runs() returns whether `plan` means exactly what runs here; CanAdopt(), whether it differs from
  // it only in how it is read.
  bool Runs(const ProgramPlan& plan) const;
  bool CanAdopt(const ProgramPlan& plan) const;

  // Follows control groups. Called once, after capabilities are dropped.
  Result<void> Start();

  // Makes Status() report from now on that it stops; it can still be read.
  void Retire();

  // Returns the sources for the thread that polls; null if nothing of it runs. After its last
  // metric is read, Status() reports this poll.
  ProgramSources* sources() const { return sources_.get(); }
  void EndPoll(bool run_stats, Notices& said);

  // Methods for any thread.
  InstanceStatus Status() const;
  const ProgramPlan& plan() const { return plan_; }
  const std::vector<Error>& errors() const { return errors_; }  // what the kernel refused
  const LoadedProgram* loaded() const;                          // null if nothing runs

 private:
  struct InKernel;

  ProgramInstance(ProgramPlan plan, const InstanceHost& host);
  Result<std::shared_ptr<InKernel>> LoadParts(const ObjectLoader& load);
  void Describe();
  std::vector<FunctionStatus> Functions(bool run_stats) const;
  InstanceState StateOf(const InstanceStatus& status) const;
  std::string ProblemOf(const InstanceStatus& status) const;

  const ProgramPlan plan_;
  const InstanceHost host_;
  uint64_t object_hash_ = 0;          // of the file when it was loaded; 0: there is none
  std::shared_ptr<InKernel> kernel_;  // null if nothing of it runs
  std::vector<Error> errors_;
  std::unique_ptr<ProgramSources> sources_;  // freed before kernel_

  mutable std::mutex mutex_;
  bool started_ = false;
  bool retired_ = false;
  InstanceStatus status_;
};

}  // namespace bpftally
