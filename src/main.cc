// A table of contents: reads the command line, then does what it says.

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <ranges>
#include <span>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "commands/command_line.h"
#include "daemon/exit_status.h"

namespace bpftally {
namespace {

Result<ExitStatus> Execute(const CommandLine& line) {
  const Options& options = line.options;
  if (auto logging = SetUpLogging(options.log_level, options.log_format); !logging)
    return std::unexpected(std::move(logging.error()));
  return line.command.run(options, SystemClock());
}

// One line a finding: a log's lines are one each.
void LogError(std::string_view message) {
  for (const auto line : std::views::split(message, '\n'))
    spdlog::error("{}", std::string_view(line.begin(), line.end()));
}

int Main(std::span<const char* const> arguments) {
  const Result<CommandLine> line = ParseCommandLine(arguments);
  if (!line) {
    fmt::print(stderr, "{}\n(bpftally --help lists what there is)\n", line.error().message);
    return kExitUsage;
  }
  const Result<ExitStatus> status = Execute(*line);
  if (status) return *status;
  LogError(status.error().message);
  return ExitStatusOf(status.error());
}

}  // namespace
}  // namespace bpftally

int main(int argc, char** argv) { return bpftally::Main({argv, static_cast<size_t>(argc)}); }
