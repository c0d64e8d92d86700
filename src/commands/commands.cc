#include "commands/commands.h"

namespace bpftally {

std::vector<Command> AllCommands() {
  return {RunCommand(),   MetricsCommand(), DumpCommand(),   ProgramsCommand(),
          CheckCommand(), HelpCommand(),    VersionCommand()};
}

}  // namespace bpftally
