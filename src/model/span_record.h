#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace bpftally {

// One span of a trace, as a metric program reported it. Plain data.
struct SpanRecord {
  std::array<uint8_t, 16> trace_id{};
  std::array<uint8_t, 8> span_id{};
  std::array<uint8_t, 8> parent_span_id{};  // all zero: it has none
  int64_t start_time_ns = 0;                // wall clock
  uint64_t duration_ns = 0;
  std::string name;
  std::string service;                                          // empty: this exporter's own
  std::vector<std::pair<std::string, std::string>> attributes;  // valid UTF-8
};

}  // namespace bpftally
