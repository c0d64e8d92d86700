#pragma once

// How to add a command:
// 1. Write commands/NAME.cc with `Command NameCommand()`: the name, a summary for --help, the
//    options, and the function that does the work. Rows that other commands have too come from
//    settings/option_rows.h; rows of this command alone stand in its file, under the section
//    "Command NAME". A new value is a field of Options (settings/options.h).
// 2. Declare the function in commands/commands.h and add it to the list in commands.cc.
// 3. Name the file in CMakeLists.txt, and test the options in tests/commands/command_line_test.cc.
// An option that a command does not list is an unknown one for it.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "daemon/exit_status.h"
#include "settings/option_row.h"

namespace bpftally {

struct Command {
  std::string_view name;
  std::string_view operands;  // what --help says may follow the name; empty: nothing may
  std::string_view summary;
  std::vector<OptionRow> options;  // without those of every command (--help, --log.level)

  // Adds what makes no sense together. May be empty.
  std::function<void(const Options&, std::vector<std::string>& findings)> check;

  // An error says why the command could not begin; once begun, the status says how it went.
  std::function<Result<ExitStatus>(const Options&, const Clock&)> run;
};

// Appends, for lists of options that several commands share.
inline void Append(std::vector<OptionRow>& rows, std::vector<OptionRow> more) {
  rows.insert(rows.end(), more.begin(), more.end());
}

}  // namespace bpftally
