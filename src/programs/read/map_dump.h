#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "kernel/map_handle.h"
#include "programs/read/map_reader.h"

namespace bpftally {

// Prints the raw content of maps for people who search for a mistake: keys and values in
// hexadecimal, as they are in memory; only the first entries of each map.
std::string DumpMap(const MapHandle& map, MapReader& reader,
                    std::chrono::steady_clock::time_point deadline);

}  // namespace bpftally
