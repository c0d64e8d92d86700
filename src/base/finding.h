#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bpftally {

// Where something stands in a configuration file; line 0: in the file as a whole.
struct ConfigPosition {
  int line = 0;
  int column = 0;

  bool operator==(const ConfigPosition&) const = default;
};

// What is wrong with a configuration, for people and for --json.
struct Finding {
  enum class Severity {
    kError,    // this configuration cannot run on any kernel
    kWarning,  // it runs, but a part of it does nothing, or not what was meant
  };
  Severity severity = Severity::kError;
  std::string file;
  ConfigPosition at;
  std::string message;  // what, what was expected, did you mean
};

using Findings = std::vector<Finding>;

bool HasErrors(const Findings& findings);

// A word of the file's in a message: in quotes, cut where it is long, without control characters.
std::string Quoted(std::string_view word);

// "file:line:column", without what is not known.
std::string Place(std::string_view file, ConfigPosition at);

// "file:line:column: what", as compilers print it; without what is not known.
std::string ToString(const Finding& finding);

}  // namespace bpftally
