#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bpftally {

// Ends the process where it does not hold: what a fuzzer takes for a find.
inline void Require(bool holds, std::string_view what, std::string_view detail = {}) {
  if (holds) return;
  fmt::print(stderr, "does not hold: {}\n{}\n", what, detail);
  std::abort();
}

}  // namespace bpftally
