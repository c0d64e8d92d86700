#pragma once

// What `bpftally check` says of configurations before anything runs.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "programs/frontends/program_file.h"
#include "programs/plan/plan.h"

namespace bpftally {

struct CheckReport {
  std::vector<PlannedFile> files;  // their findings are in `findings`
  Findings findings;

  bool ok() const { return !HasErrors(findings); }
};

// Asks the kernel, too: what it refuses. Not asked of a plan with errors.
using KernelCheck = std::function<Findings(const ProgramPlan& plan)>;

CheckReport CheckFiles(std::span<const std::string> files, const KernelCheck& ask_kernel = {});

// One line for each finding, as compilers print them, and one for each file.
std::string ToText(const CheckReport& report);
std::string ToJson(const CheckReport& report);

}  // namespace bpftally
