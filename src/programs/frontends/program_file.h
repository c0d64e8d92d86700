#pragma once

#include <span>
#include <string>

#include "base/finding.h"
#include "programs/frontends/front_end.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Result of checking a configuration and the object beside it, as far as that needs no kernel.
struct PlannedFile {
  std::string file;
  ProgramPlan plan;
  ObjectFacts object;
  Findings findings;  // with errors the plan must not run
};

PlannedFile PlanFile(const std::string& file, std::span<const FrontEnd> front_ends = FrontEnds());

}  // namespace bpftally
