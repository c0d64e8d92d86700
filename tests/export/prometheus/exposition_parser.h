#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "export/prometheus/text_format.h"

namespace bpftally {

struct ParsedSample {
  std::string name;  // with its suffix: _total, _bucket, _sum, _count
  std::map<std::string, std::string> labels;
  std::string value_text;  // as written, so that a test can ask for every digit
  double value = 0;
};

struct ParsedFamily {
  std::string name;
  std::string type;
  std::string help;  // unescaped
  std::string unit;
  std::vector<ParsedSample> samples;
};

// Parses an exposition strictly. Everything that the format forbids, and what it allows but we
// never write (timestamps, blank lines, comments, extra spaces), is an error that names its line.
std::expected<std::vector<ParsedFamily>, std::string> ParseExposition(std::string_view text,
                                                                      TextFormat format);

}  // namespace bpftally
