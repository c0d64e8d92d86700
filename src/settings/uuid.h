#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace bpftally {

using UuidBytes = std::array<uint8_t, 16>;

// Returns the version 5 UUID of a name in a name space (RFC 9562). Equal names have equal UUIDs,
// and the UUID does not reveal the name.
std::string UuidV5(const UuidBytes& name_space, std::string_view name);

}  // namespace bpftally
