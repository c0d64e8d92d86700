#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/suggest.h"
#include "commands/command_line.h"
#include "commands/commands.h"
#include "commands/output.h"

namespace bpftally {
namespace {

void CheckHelp(const Options& options, std::vector<std::string>& findings) {
  if (options.operands.size() > 1) findings.emplace_back("help takes one command");
  if (options.operands.empty()) return;
  std::vector<std::string_view> names;
  const auto commands = AllCommands();
  for (const Command& command : commands) names.push_back(command.name);
  const std::string& name = options.operands.front();
  if (std::ranges::find(names, name) == names.end())
    findings.push_back(fmt::format("unknown command \"{}\"{}: it is one of {}", name,
                                   DidYouMean(name, names), fmt::join(names, ", ")));
}

Result<ExitStatus> Help(const Options& options, const Clock&) {
  return Print(HelpText(options.operands.empty() ? "" : options.operands.front()));
}

}  // namespace

Command HelpCommand() {
  return {.name = "help",
          .operands = "[COMMAND]",
          .summary = "print the options of all commands, or of one",
          .options = {},
          .check = CheckHelp,
          .run = Help};
}

}  // namespace bpftally
