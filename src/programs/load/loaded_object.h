#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "kernel/bpf_sys.h"
#include "kernel/map_handle.h"
#include "programs/plan/plan.h"

namespace bpftally {

struct LoadOptions {
  std::string btf_path;     // of the kernel's types, for CO-RE; empty: the running kernel's own
  bool attach = true;       // without: the verifier has looked, nothing more
  std::string cgroup_root;  // where programs for cgroups attach; empty: where cgroup v2 is mounted
  std::string proc = "/proc";
};

// What became of one program of an object.
struct AttachStatus {
  std::string program;  // the function's whole name
  std::string section;  // as in SEC()
  uint32_t id = 0;      // 0: the kernel does not have it
  std::string tag;      // 16 hex digits
  bool attached = false;
  // Why it is not loaded, or not (or not everywhere) attached: what, why, what to do, and the
  // verifier's last lines.
  std::optional<Error> error = std::nullopt;
};

struct ProgramRunStats {
  uint64_t run_time_ns = 0;
  uint64_t run_count = 0;
};

// One configuration's object in the kernel: loaded, attached, its maps at hand. Detaches and frees
// all of it in the end. Not for several threads at once.
class LoadedProgram {
 public:
  // A program that the verifier refuses or that does not attach is told in statuses() and harms no
  // other. An error: nothing of this object can be loaded (no such file, a map the kernel refuses,
  // a kernel address that is not there).
  static Result<std::unique_ptr<LoadedProgram>> Load(const ProgramPlan& plan,
                                                     const LoadOptions& options, BpfSys& sys);

  LoadedProgram(const LoadedProgram&) = delete;
  LoadedProgram& operator=(const LoadedProgram&) = delete;
  virtual ~LoadedProgram() = default;

  // In the order of the object.
  virtual const std::vector<AttachStatus>& statuses() const = 0;
  // False where the kernel refused every program: the maps would show zeros as if nothing happened.
  bool runs() const;
  // Without those that libbpf makes for itself (.rodata, .bss, ...).
  virtual const std::vector<MapHandle>& maps() const = 0;
  const MapHandle* FindMap(std::string_view name) const;

  // Of the program at this place of statuses(); zero while nobody has run statistics on.
  virtual Result<ProgramRunStats> RunStats(size_t program) = 0;

  // Runs the object's own iterator programs once: they fill maps only when they are read. To be
  // called before the maps are read; does nothing where there are none.
  virtual Result<void> RunIterators(std::chrono::steady_clock::time_point deadline,
                                    const Clock& clock) = 0;

 protected:
  LoadedProgram() = default;
};

}  // namespace bpftally
