#pragma once

#include "base/finding.h"
#include "programs/frontends/ebpf_exporter/v2_config.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"

namespace bpftally {

struct Planned {
  ProgramPlan plan;
  Findings findings;  // with errors the plan is not to be run
};

// Checks a configuration against its object and lays out what to read. All findings at once.
Planned MakePlan(const ProgramConfig& config, const ObjectFacts& object);

}  // namespace bpftally
