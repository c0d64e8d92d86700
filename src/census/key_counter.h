#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "census/walk.h"
#include "model/snapshot.h"

namespace bpftally {

// Counts the keys of the map that is open as `fd`, by walking them. Unknown when it has more
// than `limit` or than it has room for, changes too fast, cannot be walked, or time is up.
std::optional<uint64_t> CountKeys(const Pass& pass, int fd, const MapInfo& map, size_t limit);

}  // namespace bpftally
