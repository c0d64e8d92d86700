#pragma once

#include <cstdint>
#include <string_view>

namespace bpftally {

// As Go's golang.org/x/sys/unix names it: of several names the first by alphabet. Empty for 0 and
// for what is no error number.
std::string_view ErrnoName(uint64_t number);

}  // namespace bpftally
