#pragma once

#include <span>

#include "base/finding.h"
#include "programs/plan/conflicts.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Finds mistakes that exist only between configurations of one process: a name with two meanings.
Findings CheckTogether(std::span<const ProgramPlan> plans);

}  // namespace bpftally
