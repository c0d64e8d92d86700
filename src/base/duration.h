#pragma once

#include <chrono>
#include <string_view>

#include "base/error.h"

namespace bpftally {

// Parses a duration as Go and Prometheus write it: "15s", "500ms", "1m30s", "1.5h", or "0" alone.
Result<std::chrono::nanoseconds> ParseDuration(std::string_view text);

}  // namespace bpftally
