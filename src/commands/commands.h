#pragma once

#include <vector>

#include "commands/command.h"

namespace bpftally {

// The default. Serves the metrics until SIGTERM or SIGINT.
Command RunCommand();

// Collects once, to standard output. Success means that no collector failed.
Command MetricsCommand();

// Writes the snapshot to standard output. Success means that it is complete.
Command DumpCommand();

// Lists the metric programs that come with bpftally.
Command ProgramsCommand();

// Checks configurations of metric programs. Success means that nothing is wrong.
Command CheckCommand();

Command HelpCommand();
Command VersionCommand();

// In the order of --help; the first is the default.
std::vector<Command> AllCommands();

}  // namespace bpftally
