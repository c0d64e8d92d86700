#include "settings/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cxxopts.hpp>
#include <optional>
#include <utility>

#include "base/suggest.h"
#include "settings/option_rows.h"

namespace bpftally {
namespace {

constexpr std::pair<std::string_view, Command> kCommands[] = {{"run", Command::kRun},
                                                              {"dump", Command::kDump},
                                                              {"metrics", Command::kMetrics},
                                                              {"check", Command::kCheck},
                                                              {"programs", Command::kPrograms}};

constexpr const char* kIntroduction =
    R"(bpftally shows what eBPF does on this host, as Prometheus metrics.

Commands:
  run      serve the metrics over HTTP (the default)
  metrics  collect once, to standard output; status 0 says that every collector succeeded
  dump     what the kernel said, as YAML, to standard output; --replay FILE serves it anywhere
  programs the metric programs that come with bpftally, and which of them this kernel can run
  check    FILE…: what is wrong with configurations of metric programs; needs no privilege
)";

// Takes any text: of a wrong one cxxopts would say neither the flag nor what it could be.
class Switch final : public cxxopts::values::standard_value<bool> {
 public:
  std::shared_ptr<cxxopts::Value> clone() const override { return std::make_shared<Switch>(*this); }
  void parse(const std::string&) const override {}
};

cxxopts::Options MakeParser(const std::vector<OptionRow>& table) {
  cxxopts::Options parser("bpftally", kIntroduction);
  parser.set_width(100)
      .custom_help("[run|metrics|dump|programs|check FILE…] [FLAGS]")
      .positional_help("")
      .allow_unrecognised_options();
  for (const OptionRow& row : table) {
    std::shared_ptr<cxxopts::Value> value = cxxopts::value<std::string>();
    if (row.argument.empty()) value = std::make_shared<Switch>();
    parser.add_options(row.group, {{row.name, row.help, value, row.argument}});
  }
  parser.add_options("", {{"command", "", cxxopts::value<std::string>(), ""}});
  parser.add_options("", {{"files", "", cxxopts::value<std::vector<std::string>>(), ""}});
  parser.parse_positional({"command", "files"});
  return parser;
}

std::unexpected<Error> Invalid(std::string message) {
  return std::unexpected(Error{ErrorKind::kInvalid, 0, std::move(message)});
}

std::string_view LongName(const OptionRow& row) {
  const std::string_view name = row.name;
  return name.starts_with("h,") ? name.substr(2) : name;
}

// What nobody took: unknown flags; words only where no unknown flag can have meant to take them.
void ReportUnmatched(const std::vector<std::string>& words, const std::vector<OptionRow>& table,
                     std::vector<std::string>& findings) {
  std::vector<std::string> flags;
  flags.reserve(table.size());
  for (const OptionRow& row : table) flags.push_back(fmt::format("--{}", LongName(row)));
  const std::vector<std::string_view> known(flags.begin(), flags.end());
  for (const std::string& word : words) {
    if (!word.starts_with('-')) continue;
    const std::string flag = word.substr(0, word.find('='));
    findings.push_back(fmt::format("unknown flag {}{}", flag, DidYouMean(flag, known)));
  }
  if (!findings.empty()) return;
  for (const std::string& word : words)
    findings.push_back(fmt::format("unexpected argument \"{}\"", word));
}

std::optional<std::string> SetCommand(const std::string& word, Command& command) {
  std::vector<std::string_view> names;
  for (const auto& [name, meaning] : kCommands) {
    names.push_back(name);
    if (word == name) {
      command = meaning;
      return std::nullopt;
    }
  }
  return fmt::format("unknown command \"{}\"{}: it is one of {}", word, DidYouMean(word, names),
                     fmt::join(names, ", "));
}

void ApplyArguments(const cxxopts::ParseResult& parsed, const std::vector<OptionRow>& table,
                    Options& options, std::vector<std::string>& findings) {
  for (const auto& argument : parsed.arguments()) {
    const auto row = std::ranges::find(table, argument.key(), LongName);
    if (row == table.end()) continue;  // the command
    if (const Result<void> applied = row->apply(options, argument.value()); !applied)
      findings.push_back(fmt::format("--{}: {}", argument.key(), applied.error().message));
  }
}

// The words behind the command are files to check; whatever else there is, nobody took.
void TakeWords(const cxxopts::ParseResult& parsed, Options& options,
               std::vector<std::string>& unmatched) {
  if (parsed.count("files") == 0) return;
  for (const std::string& word : parsed["files"].as<std::vector<std::string>>()) {
    const bool is_file = options.command == Command::kCheck && !word.starts_with('-');
    (is_file ? options.check.files : unmatched).push_back(word);
  }
}

// What makes no sense together.
void CheckCombination(const Options& options, std::vector<std::string>& findings) {
  const CheckOptions& check = options.check;
  const bool checks = options.command == Command::kCheck;
  if (checks && check.files.empty()) findings.emplace_back("check needs the name of a file");
  if (!checks && (check.load || check.attach || check.json))
    findings.emplace_back("--load, --attach and --json are for the command check");
  const ProgramOptions& programs = options.programs;
  if (programs.directory.empty() && !programs.names.empty())
    findings.emplace_back("--config.names needs --config.dir");
  if (options.config_check && programs.directory.empty() && programs.shipped.empty())
    findings.emplace_back("--config.check needs --programs or --config.dir");
}

Result<Options> Interpret(const cxxopts::ParseResult& parsed, const std::vector<OptionRow>& table) {
  Options options;
  options.http.listen_addresses.clear();
  std::vector<std::string> findings;
  std::vector<std::string> unmatched = parsed.unmatched();
  std::string command = parsed.count("command") > 0 ? parsed["command"].as<std::string>() : "run";
  if (command.starts_with('-')) unmatched.push_back(std::exchange(command, "run"));
  const auto bad_command = SetCommand(command, options.command);
  TakeWords(parsed, options, unmatched);
  ReportUnmatched(unmatched, table, findings);
  if (findings.empty() && bad_command) findings.push_back(*bad_command);
  ApplyArguments(parsed, table, options, findings);
  if (findings.empty()) CheckCombination(options, findings);
  if (!findings.empty()) return Invalid(fmt::format("{}", fmt::join(findings, "\n")));
  if (options.http.listen_addresses.empty())
    options.http.listen_addresses = HttpServerOptions().listen_addresses;
  return options;
}

}  // namespace

Result<Options> ParseOptions(std::span<const char* const> arguments) {
  const std::vector<OptionRow> table = MakeOptionTable();
  try {
    return Interpret(MakeParser(table).parse(static_cast<int>(arguments.size()), arguments.data()),
                     table);
  } catch (const cxxopts::exceptions::exception& error) {
    return Invalid(error.what());
  }
}

std::string HelpText() {
  try {
    return MakeParser(MakeOptionTable()).help(OptionGroups());
  } catch (const cxxopts::exceptions::exception& error) {
    return error.what();
  }
}

}  // namespace bpftally
