#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "settings/option_row.h"

namespace bpftally {

// A command line taken apart; nothing is checked yet.
struct ParsedOptions {
  std::vector<std::pair<std::string, std::string>> given;  // long name and value, in order
  std::vector<std::string> words;    // what is no option and no option's value, in order
  std::vector<std::string> unknown;  // "--name" or "-x", without a value
};

// `arguments` with the program's name in front, as main() gets them. An error: an option lacks its
// value.
Result<ParsedOptions> SplitArguments(std::span<const char* const> arguments,
                                     const std::vector<OptionRow>& rows);

// Introduction, usage, and the options by section.
struct HelpPage {
  std::string introduction;
  std::string usage;  // what follows the program's name
  std::vector<OptionRow> rows;
};

std::string RenderHelp(const HelpPage& page);

// The name of an option without its short form.
std::string_view LongName(const OptionRow& row);

// In the order of their first rows; the general section comes last.
std::vector<std::string> SectionsOf(const std::vector<OptionRow>& rows);

}  // namespace bpftally
