#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "programs/load/loaded_object.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Keeps a map of the control groups whose path is wanted: each has the value 1. By id (hash maps,
// where a group that is gone is taken out), or in the group itself (cgrp_storage).
class CgroupIdMap {
 public:
  // The map has what is there now. `program` must outlive it; `cgroup_root`: empty for where
  // cgroup v2 is mounted.
  static Result<std::unique_ptr<CgroupIdMap>> Make(const CgroupIdMapPlan& config,
                                                   const LoadedProgram& program,
                                                   const std::string& cgroup_root);

  // Follows what comes and goes, on a thread of its own that ends with this. Once, after
  // capabilities are dropped.
  virtual Result<void> Start() = 0;

  CgroupIdMap() = default;
  CgroupIdMap(const CgroupIdMap&) = delete;
  CgroupIdMap& operator=(const CgroupIdMap&) = delete;
  virtual ~CgroupIdMap() = default;
};

}  // namespace bpftally
