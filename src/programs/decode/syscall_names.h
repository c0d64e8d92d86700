#pragma once

#include <span>

#include "host/number_name.h"

namespace bpftally {

// Of the architecture this is built for, sorted by number.
std::span<const NumberName> SyscallNames();

}  // namespace bpftally
