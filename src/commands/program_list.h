#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "programs/load/loaded_object.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Has the kernel take it, and lets go again.
using TryProgram = std::function<Result<std::vector<AttachStatus>>(const ProgramPlan& plan)>;

// What there is, what each needs, and whether this kernel can run it.
std::string DescribePrograms(const std::string& directory, const TryProgram& try_program);

}  // namespace bpftally
