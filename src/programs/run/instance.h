#pragma once

// One metric program in the kernel: one plan, its object, its control groups, its sources, and how
// all of it fares. Nothing outside points into an instance: who wants to know asks for Status(),
// which is plain data.
//
// Its life: Load (or Adopt), Start, polls, and Stop by the destructor, which detaches and frees all
// that no other instance has adopted. That may take long, so the thread that changes programs does
// it, never one that polls.

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

// Brings a plan's object into the kernel: LoadedProgram::Load, or what tests put in its place.
using ObjectLoader = std::function<Result<std::unique_ptr<LoadedProgram>>(const ProgramPlan& plan)>;

class ProgramInstance {
 public:
  // Loads and attaches. Never fails as a whole: of what the kernel refuses, errors() tells.
  static std::shared_ptr<ProgramInstance> Load(ProgramPlan plan, const ObjectLoader& load,
                                               const InstanceHost& host, Notices& said);

  // Runs on with what `old` has in the kernel, and reads it as `plan` says. CanAdopt() must hold.
  static std::shared_ptr<ProgramInstance> Adopt(ProgramPlan plan, const ProgramInstance& old,
                                                Notices& said);

  ProgramInstance(const ProgramInstance&) = delete;
  ProgramInstance& operator=(const ProgramInstance&) = delete;
  ~ProgramInstance();

  // Whether `plan` means exactly what runs here, or differs from it only in how it is read.
  bool Runs(const ProgramPlan& plan) const;
  bool CanAdopt(const ProgramPlan& plan) const;

  // Once, after capabilities are dropped: follows control groups.
  Result<void> Start();

  // From now on Status() says that it stops; it can still be read.
  void Retire();

  // By the thread that polls: null where nothing of it runs. After its last metric is read, what
  // Status() says becomes that of this poll.
  ProgramSources* sources() const { return sources_.get(); }
  void EndPoll(bool run_stats, Notices& said);

  // Any thread.
  InstanceStatus Status() const;
  const ProgramPlan& plan() const { return plan_; }
  const std::vector<Error>& errors() const { return errors_; }  // what the kernel did not take
  const LoadedProgram* loaded() const;                          // null where nothing runs

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
  uint64_t object_hash_ = 0;          // of the file's content as it was loaded; 0: there is none
  std::shared_ptr<InKernel> kernel_;  // null where nothing of it runs
  std::vector<Error> errors_;
  std::unique_ptr<ProgramSources> sources_;  // before kernel_ goes

  mutable std::mutex mutex_;
  bool started_ = false;
  bool retired_ = false;
  InstanceStatus status_;
};

}  // namespace bpftally
