#pragma once

#include <string>
#include <vector>

#include "base/finding.h"

namespace bpftally {

// What is wrong with a part of a metric that would still start.
struct Problem {
  ConfigPosition at;
  std::string what;
  bool fatal = true;  // the metric never gives a sample
};

using Problems = std::vector<Problem>;

}  // namespace bpftally
