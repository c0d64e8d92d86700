#include "commands/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/suggest.h"
#include "commands/commands.h"
#include "settings/option_parser.h"
#include "settings/option_rows.h"

namespace bpftally {
namespace {

std::vector<OptionRow> RowsOf(const Command& command) {
  std::vector<OptionRow> rows = command.options;
  Append(rows, GeneralRows());
  return rows;
}

bool Has(const std::vector<OptionRow>& rows, std::string_view name) {
  return std::ranges::find(rows, name, LongName) != rows.end();
}

// Each option once, however many commands have it.
std::vector<OptionRow> RowsOfAll(const std::vector<Command>& commands) {
  std::vector<OptionRow> all;
  for (const Command& command : commands)
    for (OptionRow& row : RowsOf(command))
      if (!Has(all, LongName(row))) all.push_back(std::move(row));
  return all;
}

std::vector<std::string_view> NamesOf(const std::vector<Command>& commands) {
  std::vector<std::string_view> names;
  for (const Command& command : commands) names.push_back(command.name);
  return names;
}

std::string SuggestOption(std::string_view option, const std::vector<OptionRow>& rows) {
  std::vector<std::string> names;
  names.reserve(rows.size());
  for (const OptionRow& row : rows) names.push_back(fmt::format("--{}", LongName(row)));
  return DidYouMean(option, std::vector<std::string_view>(names.begin(), names.end()));
}

// The words of the command line against the commands that there are.
class Interpreter {
 public:
  Interpreter(std::vector<Command> commands, ParsedOptions parsed)
      : commands_(std::move(commands)), parsed_(std::move(parsed)) {}

  Result<CommandLine> Read() {
    TakeCommand();
    ReportUnknown();
    if (findings_.empty() && !bad_command_.empty()) findings_.push_back(bad_command_);
    if (bad_command_.empty()) TakeOperands();
    ApplyOptions();
    const bool redirected = options_.help || options_.version;
    if (findings_.empty() && command_->check && !redirected) command_->check(options_, findings_);
    if (!findings_.empty()) return InvalidLine();
    return Finish();
  }

 private:
  std::unexpected<Error> InvalidLine() const {
    return std::unexpected(
        Error{ErrorKind::kInvalid, 0, fmt::format("{}", fmt::join(findings_, "\n"))});
  }

  const Command& CommandNamed(std::string_view name) const {
    return *std::ranges::find(commands_, name, &Command::name);
  }

  void TakeCommand() {
    command_ = &commands_.front();
    if (parsed_.words.empty()) return;
    named_ = true;
    const std::string& word = parsed_.words.front();
    const auto found = std::ranges::find(commands_, word, &Command::name);
    if (found != commands_.end()) {
      command_ = &*found;
      return;
    }
    const auto names = NamesOf(commands_);
    bad_command_ = fmt::format("unknown command \"{}\"{}: it is one of {}", word,
                               DidYouMean(word, names), fmt::join(names, ", "));
  }

  // An option of no command. The nearest of this command is likelier than one of another.
  void ReportUnknown() {
    const auto rows = RowsOf(*command_);
    for (const std::string& option : parsed_.unknown) {
      std::string suggestion = SuggestOption(option, rows);
      if (suggestion.empty()) suggestion = SuggestOption(option, RowsOfAll(commands_));
      findings_.push_back(fmt::format("unknown flag {}{}", option, suggestion));
    }
  }

  // Words are reported only where no unknown option can have meant to take them.
  void TakeOperands() {
    if (parsed_.words.empty()) return;
    options_.operands.assign(parsed_.words.begin() + 1, parsed_.words.end());
    if (!command_->operands.empty() || !parsed_.unknown.empty()) return;
    for (const std::string& word : options_.operands)
      findings_.push_back(fmt::format("unexpected argument \"{}\"", word));
  }

  void ApplyOptions() {
    const auto rows = RowsOf(*command_);
    for (const auto& [name, value] : parsed_.given) {
      const auto row = std::ranges::find(rows, name, LongName);
      if (row == rows.end()) {
        if (bad_command_.empty()) ReportForeign(name, rows);
      } else if (const Result<void> applied = row->apply(options_, value); !applied) {
        findings_.push_back(fmt::format("--{}: {}", name, applied.error().message));
      }
    }
  }

  void ReportForeign(std::string_view name, const std::vector<OptionRow>& rows) {
    std::vector<std::string_view> owners;
    for (const Command& command : commands_)
      if (Has(command.options, name)) owners.push_back(command.name);
    const std::string option = fmt::format("--{}", name);
    findings_.push_back(fmt::format("unknown flag {} for the command {}{}: it is for {}", option,
                                    command_->name, SuggestOption(option, rows),
                                    fmt::join(owners, ", ")));
  }

  CommandLine Finish() {
    if (options_.help) {
      options_.operands.clear();
      if (named_) options_.operands.emplace_back(command_->name);
    }
    if (options_.http.listen_addresses.empty())
      options_.http.listen_addresses = HttpServerOptions().listen_addresses;
    if (options_.help) return {CommandNamed("help"), std::move(options_)};
    if (options_.version) return {CommandNamed("version"), std::move(options_)};
    return {*command_, std::move(options_)};
  }

  const std::vector<Command> commands_;
  const ParsedOptions parsed_;
  const Command* command_ = nullptr;
  bool named_ = false;  // false: the command is the default
  std::string bad_command_;
  Options options_ = WithoutAddresses();
  std::vector<std::string> findings_;

  // The option adds an address; the default counts only where none is given.
  static Options WithoutAddresses() {
    Options options;
    options.http.listen_addresses.clear();
    return options;
  }
};

std::string WithOperands(const Command& command) {
  return fmt::format("{}{}{}", command.name, command.operands.empty() ? "" : " ", command.operands);
}

std::string Introduction(const std::vector<Command>& commands) {
  std::string text = "bpftally shows what eBPF does on this host, as Prometheus metrics.\n\n";
  text += "Commands:\n";
  for (const Command& command : commands)
    text += fmt::format("  {:<14} {}\n", WithOperands(command), command.summary);
  return text;
}

std::string HelpOfAll(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(WithOperands(command));
  const auto usage = fmt::format("[{}] [FLAGS]", fmt::join(names, "|"));
  return RenderHelp({Introduction(commands), usage, RowsOfAll(commands)});
}

std::string HelpOfOne(const Command& command) {
  const auto introduction = fmt::format("bpftally {}: {}.\n", command.name, command.summary);
  return RenderHelp({introduction, WithOperands(command) + " [FLAGS]", RowsOf(command)});
}

std::string Shown(const std::string& name) {
  const size_t comma = name.find(',');
  if (comma == std::string::npos) return "--" + name;
  return fmt::format("-{}, --{}", name.substr(0, comma), name.substr(comma + 1));
}

OptionDescription Describe(const OptionRow& row, const std::vector<Command>& commands) {
  OptionDescription option{.name = Shown(row.name),
                           .argument = row.argument,
                           .default_value = row.default_value,
                           .help = row.help,
                           .section = row.section,
                           .commands = {}};
  for (const Command& command : commands)
    if (Has(RowsOf(command), LongName(row))) option.commands.emplace_back(command.name);
  return option;
}

}  // namespace

Result<CommandLine> ParseCommandLine(std::span<const char* const> arguments) {
  auto commands = AllCommands();
  auto parsed = SplitArguments(arguments, RowsOfAll(commands));
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  return Interpreter(std::move(commands), *std::move(parsed)).Read();
}

std::string HelpText(std::string_view command) {
  const auto commands = AllCommands();
  if (command.empty()) return HelpOfAll(commands);
  const auto found = std::ranges::find(commands, command, &Command::name);
  return found == commands.end() ? "" : HelpOfOne(*found);
}

std::vector<OptionDescription> DescribeOptions() {
  const auto commands = AllCommands();
  const auto rows = RowsOfAll(commands);
  std::vector<OptionDescription> options;
  for (const std::string& section : SectionsOf(rows))
    for (const OptionRow& row : rows)
      if (row.section == section) options.push_back(Describe(row, commands));
  return options;
}

}  // namespace bpftally
