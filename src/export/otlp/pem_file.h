#pragma once

#include <string>

#include "base/error.h"

namespace bpftally {

// Returns the text of a PEM file, or nothing for an empty path. Fails with kInvalid if the file
// cannot be read or is not PEM.
Result<std::string> ReadPemFile(const std::string& path);

}  // namespace bpftally
