#include "census/run_stats.h"

#include <algorithm>
#include <utility>

#include "kernel/bpf_sys.h"

namespace bpftally {
namespace {

constexpr const char* kStatsSysctl = "/proc/sys/kernel/bpf_stats_enabled";

}  // namespace

void RunStats::Settle(uint32_t own_program, Snapshot& snapshot) {
  const bool own_runs_grow = OwnRunsGrow(own_program, snapshot);
  const auto sysctl = sys_.ReadFile(kStatsSysctl);
  if (!sysctl && !held_ && !own_runs_grow) {
    snapshot.stats_enabled = std::nullopt;
  } else {
    snapshot.stats_enabled = held_ || own_runs_grow || (sysctl && sysctl->starts_with('1'));
  }
  if (snapshot.stats_enabled == true) return;
  // Stale run statistics (counting is off now) are not published.
  for (ProgramInfo& program : snapshot.programs) {
    program.run_time_ns.reset();
    program.run_count.reset();
  }
}

// The sysctl does not show another process's BPF_ENABLE_STATS fd; that the runs of our own iterator
// are counted does.
bool RunStats::OwnRunsGrow(uint32_t own_program, const Snapshot& snapshot) {
  const auto found = std::ranges::lower_bound(snapshot.programs, own_program, {}, &ProgramInfo::id);
  if (found == snapshot.programs.end() || found->id != own_program || !found->run_count)
    return false;
  return *found->run_count > std::exchange(own_runs_, *found->run_count);
}

}  // namespace bpftally
