#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bpftally {

// The value of --capabilities.keep.
struct CapabilitiesToKeep {
  bool all = true;
  std::vector<int> kept = {};  // CAP_* by number; if not all
};

// Reads "all", "none", or names separated by commas, with or without "cap_", in any case. The error
// is kInvalid and has every unknown name.
Result<CapabilitiesToKeep> ParseCapabilitiesToKeep(std::string_view text);

// Gives up for good what is not kept: in the effective, permitted, inheritable and ambient sets,
// and in the bounding set if that is allowed; no program that is executed gets any back
// (no_new_privs). Never adds what this process does not have. Changes the calling thread only, and
// is therefore an error while there are others.
Result<void> KeepCapabilities(const CapabilitiesToKeep& keep);

}  // namespace bpftally
