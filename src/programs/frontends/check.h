#pragma once

// Checks configurations before anything runs, for `bpftally check`.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "programs/frontends/program_file.h"
#include "programs/plan/plan.h"

namespace bpftally {

struct CheckReport {
  std::vector<PlannedFile> files;  // `findings` has theirs, too
  Findings findings;

  bool ok() const { return !HasErrors(findings); }
};

// Asks the kernel whether it would refuse a plan; skipped for plans with errors.
using KernelCheck = std::function<Findings(const ProgramPlan& plan)>;

CheckReport CheckFiles(std::span<const std::string> files, const KernelCheck& ask_kernel = {});

// Prints a line for each finding, as compilers do, and one for each file.
std::string ToText(const CheckReport& report);
std::string ToJson(const CheckReport& report);

}  // namespace bpftally
