#pragma once

#include <span>

#include "base/finding.h"
#include "programs/plan/conflicts.h"
#include "programs/plan/plan.h"

namespace bpftally {

// What is wrong only between configurations that run in one process: one name with two meanings.
Findings CheckTogether(std::span<const ProgramPlan> plans);

}  // namespace bpftally
