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
  std::string btf_path;     // the kernel's types, for CO-RE; empty: those of the running kernel
  bool attach = true;       // false: loaded only, so that the verifier checks it
  std::string cgroup_root;  // where programs for cgroups attach; empty: where cgroup v2 is mounted
  std::string proc = "/proc";
};

// Reports what became of one program of an object.
struct AttachStatus {
  std::string program;  // the function's full name
  std::string section;  // as in SEC()
  uint32_t id = 0;      // 0: it is not in the kernel
  std::string tag;      // 16 hex digits
  bool attached = false;
  // Error of a program that is not loaded, or not attached (everywhere): what failed, why, what to
  // do, and the verifier's last lines.
  std::optional<Error> error = std::nullopt;
};

struct ProgramRunStats {
  uint64_t run_time_ns = 0;
  uint64_t run_count = 0;
};

// Holds one configuration's object in the kernel: loaded, attached, with its maps at hand. Detaches
// and frees all of it in the end. Not for several threads at once.
class LoadedProgram {
 public:
  // Loads and attaches. A program that the verifier refuses or that does not attach is reported in
  // statuses() and does no harm to others. Fails if nothing of the object can be loaded (no such
  // file, a map that the kernel refuses, a kernel address that does not exist).
  static Result<std::unique_ptr<LoadedProgram>> Load(const ProgramPlan& plan,
                                                     const LoadOptions& options, BpfSys& sys);

  LoadedProgram(const LoadedProgram&) = delete;
  LoadedProgram& operator=(const LoadedProgram&) = delete;
  virtual ~LoadedProgram() = default;

  // Returns the state of each program, in the object's order.
  virtual const std::vector<AttachStatus>& statuses() const = 0;
  // Returns false if the kernel refused every program: the maps would then show zeros as if nothing
  // happened.
  bool runs() const;
  // Returns the maps except those that libbpf makes for itself (.rodata, .bss, ...).
  virtual const std::vector<MapHandle>& maps() const = 0;
  const MapHandle* FindMap(std::string_view name) const;

  // Returns the statistics of the program at this index of statuses(); zero while run statistics
  // are off.
  virtual Result<ProgramRunStats> RunStats(size_t program) = 0;

  // Runs the object's own iterator programs once: they fill maps only when they are read. Called
  // before the maps are read; does nothing if there are none.
  virtual Result<void> RunIterators(std::chrono::steady_clock::time_point deadline,
                                    const Clock& clock) = 0;

 protected:
  LoadedProgram() = default;
};

}  // namespace bpftally
