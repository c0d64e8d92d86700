#pragma once

#include <cstdint>

#include "model/snapshot.h"

namespace bpftally {

class BpfSys;

// Finds out whether the kernel counts the runs of programs.
class RunStats {
 public:
  // `held`: this process holds a BPF_ENABLE_STATS fd. `sys` must outlive this.
  RunStats(BpfSys& sys, bool held) : sys_(sys), held_(held) {}

  // Sets Snapshot::stats_enabled from the programs that were just read, of which `own_program` is
  // our iterator, and drops their run statistics where they are stale.
  void Settle(uint32_t own_program, Snapshot& snapshot);

 private:
  bool OwnRunsGrow(uint32_t own_program, const Snapshot& snapshot);

  BpfSys& sys_;
  const bool held_;
  uint64_t own_runs_ = 0;  // of our iterator, at the last pass
};

}  // namespace bpftally
