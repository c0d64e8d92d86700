#pragma once

#include <span>

#include "host/number_name.h"

namespace bpftally {

// Returns the names for the architecture of this build, sorted by number.
std::span<const NumberName> SyscallNames();

}  // namespace bpftally
