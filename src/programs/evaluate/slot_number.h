#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace bpftally {

// Parses an unsigned number in the base that its prefix names: 0x, 0o or 0, 0b, else ten.
Result<uint64_t> ParseSlot(std::string_view text);

}  // namespace bpftally
