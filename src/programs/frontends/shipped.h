#pragma once

// Finds the metric programs that come with bpftally.

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Returns the directory that they are installed to, or that of the build.
Result<std::string> FindProgramDirectory();

// Returns the files of these programs, in their order. Fails with kInvalid if one is not in the set
// or is named twice.
Result<std::vector<std::string>> FilesOfPrograms(const std::string& directory,
                                                 std::span<const std::string> names);

// Returns the names of all programs in the set, sorted.
std::vector<std::string> NamesOfPrograms(const std::string& directory);

std::string FileOfProgram(const std::string& directory, const std::string& name);

}  // namespace bpftally
