#pragma once

#include <cstdint>

namespace bpftally {

// Returns the bytes of a page of memory on this machine.
uint64_t PageSize();

}  // namespace bpftally
