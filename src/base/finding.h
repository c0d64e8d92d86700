#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bpftally {

// A position in a configuration file; line 0 means the file as a whole.
struct ConfigPosition {
  int line = 0;
  int column = 0;

  bool operator==(const ConfigPosition&) const = default;
};

// One problem of a configuration, for people and for --json.
struct Finding {
  enum class Severity {
    kError,    // the configuration cannot run on any kernel
    kWarning,  // it runs, but a part of it has no effect, or not the intended one
  };
  Severity severity = Severity::kError;
  std::string file;
  ConfigPosition at;
  std::string message;  // what is wrong, what was expected, and a suggestion
};

using Findings = std::vector<Finding>;

bool HasErrors(const Findings& findings);

// Quotes a word of the file for a message: shortened if long, without control characters.
std::string Quoted(std::string_view word);

// Formats "file:line:column"; omits parts that are unknown.
std::string Place(std::string_view file, ConfigPosition at);

// Formats "file:line:column: message", as compilers do; omits parts that are unknown.
std::string ToString(const Finding& finding);

}  // namespace bpftally
