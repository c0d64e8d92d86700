#pragma once

#include <string>

#include "base/error.h"

namespace bpftally {

// The text of a PEM file; empty for an empty path. kInvalid where it cannot be read or is none.
Result<std::string> ReadPemFile(const std::string& path);

}  // namespace bpftally
