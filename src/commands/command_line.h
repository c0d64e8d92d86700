#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "commands/command.h"
#include "settings/options.h"

namespace bpftally {

struct CommandLine {
  Command command;
  Options options;
};

// `arguments` with the program's name in front, as main() gets them; options may stand before and
// behind the command. --help and --version become the commands help and version. The error holds
// every finding, one a line.
Result<CommandLine> ParseCommandLine(std::span<const char* const> arguments);

// The help page of that command, or of all where `command` is empty. Empty where there is no such
// command.
std::string HelpText(std::string_view command = "");

// One option as plain data, for the documents.
struct OptionDescription {
  std::string name;      // "--replay", or "-h, --help"
  std::string argument;  // "FILE"; empty for a switch
  std::string default_value;
  std::string help;
  std::string section;
  std::vector<std::string> commands;  // that have it
};

// All options of all commands, each once, section by section in the order of --help.
std::vector<OptionDescription> DescribeOptions();

}  // namespace bpftally
