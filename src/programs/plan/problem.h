#pragma once

#include <string>
#include <vector>

#include "base/finding.h"

namespace bpftally {

// Describes a mistake in a part of a metric, in spite of which the program would start.
struct Problem {
  ConfigPosition at;
  std::string what;
  bool fatal = true;  // the metric never gives a sample
};

using Problems = std::vector<Problem>;

}  // namespace bpftally
