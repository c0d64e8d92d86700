#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "kernel/map_handle.h"
#include "programs/read/map_reader.h"

namespace bpftally {

// The raw content of maps for people who look for a mistake: keys and values in hexadecimal, as
// they lie in memory; the first entries of each.
std::string DumpMap(const MapHandle& map, MapReader& reader,
                    std::chrono::steady_clock::time_point deadline);

}  // namespace bpftally
