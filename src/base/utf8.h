#pragma once

#include <string>
#include <string_view>

namespace bpftally {

bool IsValidUtf8(std::string_view text);

// The text with each maximal invalid part replaced by U+FFFD: what comes from the kernel, from file
// names and from map keys is untrusted bytes, and both Prometheus and OTLP demand UTF-8.
std::string ToValidUtf8(std::string_view text);

}  // namespace bpftally
