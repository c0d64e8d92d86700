#pragma once

#include <cstdint>
#include <string>

namespace bpftally {

// How the last attempt to read the configuration again went.
struct ReloadStatus {
  bool attempted = false;       // false: what was read at start runs, and the rest means nothing
  bool successful = false;      // false: what ran before runs on
  int64_t at_ns = 0;            // since the epoch
  int64_t succeeded_at_ns = 0;  // of the last success, or of the start; since the epoch
  std::string message;          // what failed, one finding a line; empty after a success
};

}  // namespace bpftally
