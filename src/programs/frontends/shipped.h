#pragma once

// The metric programs that come with bpftally.

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Where they are installed to, or as built.
Result<std::string> FindProgramDirectory();

// The files of these programs, in their order. kInvalid: one is not in the set, or named twice.
Result<std::vector<std::string>> FilesOfPrograms(const std::string& directory,
                                                 std::span<const std::string> names);

// Their names, sorted.
std::vector<std::string> NamesOfPrograms(const std::string& directory);

std::string FileOfProgram(const std::string& directory, const std::string& name);

}  // namespace bpftally
