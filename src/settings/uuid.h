#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace bpftally {

using UuidBytes = std::array<uint8_t, 16>;

// The name's UUID of version 5 in a name space (RFC 9562): the same for the same, and no way back.
std::string UuidV5(const UuidBytes& name_space, std::string_view name);

}  // namespace bpftally
