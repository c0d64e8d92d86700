#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "programs/load/loaded_object.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Loads and attaches a metric program, and removes it again.
using TryProgram = std::function<Result<std::vector<AttachStatus>>(const ProgramPlan& plan)>;

// Describes the metric programs of a folder: what each shows and needs, and whether this kernel can
// run it.
std::string DescribePrograms(const std::string& directory, const TryProgram& try_program);

}  // namespace bpftally
