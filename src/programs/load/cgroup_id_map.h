#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "programs/load/loaded_object.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Fills a map with the control groups whose path is wanted: each has the value 1. The key is the id
// (hash maps, from which a group that is gone is removed), or the value is in the group itself
// (cgrp_storage).
class CgroupIdMap {
 public:
  // Fills the map with the existing groups before it returns. `program` must outlive the result; an
  // empty `cgroup_root` stands for where cgroup v2 is mounted.
  static Result<std::unique_ptr<CgroupIdMap>> Make(const CgroupIdMapPlan& config,
                                                   const LoadedProgram& program,
                                                   const std::string& cgroup_root);

  // Follows changes on a thread of its own, which ends with this object. Called once, after
  // capabilities are dropped.
  virtual Result<void> Start() = 0;

  // Returns, only once, the error of the first group that the map could not take. For use by any
  // thread.
  virtual std::optional<Error> TakeComplaint() = 0;

  CgroupIdMap() = default;
  CgroupIdMap(const CgroupIdMap&) = delete;
  CgroupIdMap& operator=(const CgroupIdMap&) = delete;
  virtual ~CgroupIdMap() = default;
};

}  // namespace bpftally
