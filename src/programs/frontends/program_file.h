#pragma once

#include <string>

#include "base/finding.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"

namespace bpftally {

// A configuration and the object beside it, as far as both go without the kernel.
struct PlannedFile {
  std::string file;
  std::string description;  // what it shows, as its author says; may be empty
  std::string needs;        // likewise: what it takes
  ProgramPlan plan;
  ObjectFacts object;
  Findings findings;  // with errors the plan is not to be run
};

PlannedFile PlanFile(const std::string& file);

}  // namespace bpftally
