#pragma once

#include <cstddef>
#include <string_view>

#include "export/prometheus/text_format.h"

namespace bpftally {

constexpr size_t kNumberBytes = 32;  // the longest text, of a negative double, has 24

// Formats as Go's %g does, since others compare the text byte by byte, above all bucket bounds.
// `room` has kNumberBytes. Returns the end.
char* FormatNumber(char* room, double value);

// Formats bucket bounds. They are label values, so all exporters must spell them alike: as Go's %g
// does, and in OpenMetrics always as a float.
class BoundText {
 public:
  // The result is valid until the next call.
  std::string_view Format(double bound, TextFormat format);

 private:
  char text_[kNumberBytes];
};

}  // namespace bpftally
