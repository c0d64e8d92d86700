#pragma once

#include <cstdint>
#include <string_view>

namespace bpftally {

// Returns the name that Go's golang.org/x/sys/unix gives to an error number: the first by alphabet
// of several. Empty for 0 and for any other number that is no error.
std::string_view ErrnoName(uint64_t number);

}  // namespace bpftally
