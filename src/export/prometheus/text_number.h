#pragma once

#include <cstddef>
#include <string_view>

#include "export/prometheus/text_format.h"

namespace bpftally {

constexpr size_t kNumberBytes = 32;  // the longest, a negative double, has 24

// As Go's %g spells it: what everybody compares byte by byte, bounds of buckets above all. Returns
// the end; `room` has kNumberBytes.
char* FormatNumber(char* room, double value);

// A bucket's bound is a label, so everybody must spell it the same way: as Go's %g does, and in
// OpenMetrics so that it cannot be taken for an integer.
class BoundText {
 public:
  // Until the next call.
  std::string_view Format(double bound, TextFormat format);

 private:
  char text_[kNumberBytes];
};

}  // namespace bpftally
