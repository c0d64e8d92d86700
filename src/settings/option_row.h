#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "settings/options.h"

namespace bpftally {

// One option of the command line. What is parsed, what --help prints and what the documents list
// all come from these rows.
struct OptionRow {
  std::string name;           // "replay"; with a short form "h,help"
  std::string argument;       // what --help calls its value; empty for a switch
  std::string section;        // of --help
  std::string default_value;  // as --help prints it; empty: off, or nothing
  std::string help;
  std::function<Result<void>(Options&, const std::string&)> apply;
};

}  // namespace bpftally
