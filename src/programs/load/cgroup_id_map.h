#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "programs/load/loaded_object.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Keeps a map of the control groups whose path is wanted: each has the value 1. By id (hash maps,
// where a group that is gone is taken out), or in the group itself (cgrp_storage).
class CgroupIdMap {
 public:
  // The map has the groups of this moment when this returns. `program` must outlive it; an empty
  // `cgroup_root` stands for where cgroup v2 is mounted.
  static Result<std::unique_ptr<CgroupIdMap>> Make(const CgroupIdMapPlan& config,
                                                   const LoadedProgram& program,
                                                   const std::string& cgroup_root);

  // Follows what comes and goes, on a thread of its own that ends with this object. To be called
  // once, after capabilities are dropped.
  virtual Result<void> Start() = 0;

  // The first group that the map could not take, said once. Any thread.
  virtual std::optional<Error> TakeComplaint() = 0;

  CgroupIdMap() = default;
  CgroupIdMap(const CgroupIdMap&) = delete;
  CgroupIdMap& operator=(const CgroupIdMap&) = delete;
  virtual ~CgroupIdMap() = default;
};

}  // namespace bpftally
