#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "settings/options.h"

namespace bpftally {

// One flag: the table of all of them is what is parsed and what --help prints.
struct OptionRow {
  std::string name;
  std::string argument;  // what --help calls its value; empty for a switch
  std::string group;
  std::string help;
  std::function<Result<void>(Options&, const std::string&)> apply;
};

std::vector<OptionRow> MakeOptionTable();

// Of --help, in their order.
std::vector<std::string> OptionGroups();

}  // namespace bpftally
