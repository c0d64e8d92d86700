#pragma once

// The metric programs that come with bpftally.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "programs/loaded_program.h"

namespace bpftally {

// Where they are installed to, or as built.
Result<std::string> FindProgramDirectory();

// The files of these programs, in their order. kInvalid: one is not in the set, or named twice.
Result<std::vector<std::string>> FilesOfPrograms(const std::string& directory,
                                                 std::span<const std::string> names);

// Has the kernel take it, and lets go again.
using TryProgram = std::function<Result<std::vector<AttachStatus>>(const ProgramPlan& plan)>;

// What there is, what each needs, and whether this kernel can run it.
std::string DescribePrograms(const std::string& directory, const TryProgram& try_program);

}  // namespace bpftally
