#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bpftally {

// What --capabilities.keep says.
struct CapabilitiesToKeep {
  bool all = true;
  std::vector<int> kept = {};  // CAP_* by number; if not all
};

// "all", "none", or names with commas between, with or without "cap_", in any case. kInvalid with
// every name that is not known.
Result<CapabilitiesToKeep> ParseCapabilitiesToKeep(std::string_view text);

// Gives up what is not kept, for good: effective, permitted, inheritable, ambient, and where that
// is allowed also bounding; no program that is executed gets any back (no_new_privs). What this
// process does not have is not given to it. Only the calling thread has less then: an error while
// there are others.
Result<void> KeepCapabilities(const CapabilitiesToKeep& keep);

}  // namespace bpftally
