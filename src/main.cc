// A table of contents: read the command line, then do what it says.

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "commands/daemon.h"
#include "commands/version.h"
#include "daemon/exit_status.h"
#include "settings/options.h"

namespace bpftally {
namespace {

int Print(const std::string& text) {
  fmt::print("{}", text);
  return kExitSuccess;
}

Result<ExitStatus> Execute(const Options& options) {
  if (auto logging = SetUpLogging(options.log_level, options.log_format); !logging)
    return std::unexpected(std::move(logging.error()));
  switch (options.command) {
    case Command::kMetrics:
      return PrintMetrics(options, SystemClock());
    case Command::kDump:
      return Dump(options, SystemClock());
    case Command::kCheck:
      return Check(options);
    case Command::kPrograms:
      return ListPrograms(options);
    default:
      return Run(options, SystemClock());
  }
}

// One line a finding: a log's lines are one each.
void LogError(std::string_view message) {
  for (const auto line : std::views::split(message, '\n'))
    spdlog::error("{}", std::string_view(line.begin(), line.end()));
}

int Main(std::span<const char* const> arguments) {
  const Result<Options> options = ParseOptions(arguments);
  if (!options) {
    fmt::print(stderr, "{}\n(bpftally --help lists what there is)\n", options.error().message);
    return kExitUsage;
  }
  if (options->command == Command::kHelp) return Print(HelpText());
  if (options->command == Command::kVersion) return Print(VersionText());

  const Result<ExitStatus> status = Execute(*options);
  if (status) return *status;
  LogError(status.error().message);
  return ExitStatusOf(status.error());
}

}  // namespace
}  // namespace bpftally

int main(int argc, char** argv) { return bpftally::Main({argv, static_cast<size_t>(argc)}); }
