#pragma once

#include <cstddef>

namespace bpftally {

size_t PageSize();  // of memory, in bytes

}  // namespace bpftally
