#include "daemon/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cxxopts.hpp>
#include <functional>
#include <initializer_list>
#include <optional>
#include <utility>

#include "base/suggest.h"
#include "daemon/duration.h"

namespace bpftally {
namespace {

constexpr const char* kCensus = "Census";
constexpr const char* kCollectors = "Collector";
constexpr const char* kServing = "Serving";
constexpr const char* kGeneral = "General";
const std::vector<std::string> kGroups = {kCensus, kCollectors, kServing, kGeneral};

constexpr std::pair<std::string_view, Command> kCommands[] = {
    {"run", Command::kRun}, {"dump", Command::kDump}, {"metrics", Command::kMetrics}};

constexpr std::string_view kTakenPaths[] = {"/", "/-/healthy", "/-/ready"};

constexpr const char* kIntroduction =
    R"(bpftally shows what eBPF does on this host, as Prometheus metrics.

Commands:
  run      serve the metrics over HTTP (the default)
  metrics  collect once, to standard output; status 0 says that every collector succeeded
  dump     what the kernel said, as YAML, to standard output; --replay FILE serves it anywhere
)";

using Value = const std::string&;

struct Row {
  std::string name;
  std::string argument;  // what --help calls its value; empty for a switch
  std::string group;
  std::string help;
  std::function<Result<void>(Options&, Value)> apply;
};

std::unexpected<Error> Invalid(std::string message) {
  return std::unexpected(Error{ErrorKind::kInvalid, 0, std::move(message)});
}

template <typename T>
Result<void> SetChoice(T& field, Value value,
                       std::initializer_list<std::pair<std::string_view, T>> choices) {
  std::vector<std::string_view> names;
  for (const auto& [name, meaning] : choices) {
    names.push_back(name);
    if (value == name) field = meaning;
  }
  if (std::ranges::find(names, value) != names.end()) return {};
  return Invalid(fmt::format("\"{}\" is none of {}{}", value, fmt::join(names, ", "),
                             DidYouMean(value, names)));
}

Result<void> SetSwitch(bool& field, Value value) {
  return SetChoice<bool>(field, value, {{"true", true}, {"false", false}});
}

template <typename T>
Result<void> SetNumber(T& field, Value value) {
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, field);
  if (error == std::errc() && stop == end) return {};
  return Invalid(fmt::format("\"{}\" is not a whole number of 0 or more", value));
}

Result<void> SetDuration(std::chrono::nanoseconds& field, Value value) {
  const auto duration = ParseDuration(value);
  if (!duration) return std::unexpected(duration.error());
  field = *duration;
  return {};
}

Result<void> SetTelemetryPath(std::string& field, Value value) {
  if (!value.starts_with('/') || value.find_first_of("?#") != std::string::npos)
    return Invalid(fmt::format("\"{}\" is not a path such as /metrics", value));
  if (std::ranges::find(kTakenPaths, value) != std::end(kTakenPaths))
    return Invalid(fmt::format("\"{}\" is served already", value));
  field = value;
  return {};
}

Result<void> SetLogLevel(Options& options, Value value) {
  return SetChoice<std::string>(
      options.log_level, value,
      {{"debug", "debug"}, {"info", "info"}, {"warn", "warn"}, {"error", "error"}});
}

std::vector<Row> CensusRows() {
  return {
      {"source", "auto|iterator|syscall", kCensus,
       "Which road to the kernel: BPF iterators, the id walk by system calls, or the best of both "
       "(default auto)",
       [](Options& o, Value v) {
         return SetChoice<Source>(o.reader.source, v,
                                  {{"auto", Source::kAuto},
                                   {"iterator", Source::kIterator},
                                   {"syscall", Source::kSyscall}});
       }},
      {"run-stats", "", kCensus,
       "Have the kernel count run time and runs of programs while we run; costs every program some "
       "30 to 60 ns a run",
       [](Options& o, Value v) { return SetSwitch(o.reader.run_stats, v); }},
      {"scan-map-entries", "", kCensus,
       "Count the entries of a map key by key where the kernel cannot tell (bounded)",
       [](Options& o, Value v) { return SetSwitch(o.reader.scan_entries, v); }},
      {"replay", "FILE", kCensus, "Serve a dumped snapshot; needs no privilege",
       [](Options& o, Value v) {
         o.replay = v;
         return v.empty() ? Result<void>(Invalid("the name of a file is missing")) : Result<void>();
       }},
  };
}

std::vector<Row> CollectRows() {
  return {
      {"max-objects", "N", kCollectors,
       "Series of their own for so many objects of a kind; the rest only in the sums (default "
       "1000)",
       [](Options& o, Value v) { return SetNumber(o.collect.max_objects, v); }},
      {"type-labels", "name|number", kCollectors,
       "The type label of maps and links: a name, or the kernel's number (default name)",
       [](Options& o, Value v) {
         return SetChoice<bool>(o.collect.type_labels_as_numbers, v,
                                {{"name", false}, {"number", true}});
       }},
      {"size-metrics", "counter|gauge", kCollectors,
       "The seven sizes as counters ending in _total, or as gauges without it (default counter)",
       [](Options& o, Value v) {
         return SetChoice<bool>(o.collect.size_metrics_as_gauges, v,
                                {{"counter", false}, {"gauge", true}});
       }},
      {"compat", "bpf-metrics-exporter", kCollectors,
       "That exporter's eleven metrics as they reach Prometheus, in place of ours of these names",
       [](Options& o, Value v) {
         return SetChoice<bool>(o.collect.compat, v, {{"bpf-metrics-exporter", true}});
       }},
      {"hide-self", "", kCollectors, "Leave bpftally's own programs, maps and links out",
       [](Options& o, Value v) { return SetSwitch(o.collect.hide_self, v); }},
      {"collector.program-maps", "", kCollectors,
       "Which program uses which map: one series a pair (default off)",
       [](Options& o, Value v) { return SetSwitch(o.collect.program_maps, v); }},
  };
}

std::vector<Row> ServingRows() {
  return {
      {"poll-interval", "DURATION", kServing,
       "Look at the kernel at least so often, also when nobody asks; 0: only on demand (default "
       "15s)",
       [](Options& o, Value v) { return SetDuration(o.poll_interval, v); }},
      {"web.listen-address", "HOST:PORT", kServing,
       "Where to serve; repeatable, port 0 takes a free one (default :9435)",
       [](Options& o, Value v) {
         o.http.listen_addresses.push_back(v);
         return Result<void>();
       }},
      {"web.telemetry-path", "PATH", kServing, "Where the metrics are (default /metrics)",
       [](Options& o, Value v) { return SetTelemetryPath(o.telemetry_path, v); }},
      {"web.max-requests", "N", kServing,
       "Scrapes at once; one more is answered 503, 0: no limit (default 40)",
       [](Options& o, Value v) { return SetNumber(o.http.max_requests, v); }},
  };
}

std::vector<Row> GeneralRows() {
  return {
      {"format", "text|openmetrics", kGeneral, "What the command metrics prints (default text)",
       [](Options& o, Value v) {
         return SetChoice<TextFormat>(
             o.format, v,
             {{"text", TextFormat::kPrometheus004}, {"openmetrics", TextFormat::kOpenMetrics100}});
       }},
      {"log.level", "debug|info|warn|error", kGeneral, "What to log (default info)", SetLogLevel},
      {"log.format", "logfmt|json", kGeneral, "How to log, to standard error (default logfmt)",
       [](Options& o, Value v) {
         return SetChoice<LogFormat>(o.log_format, v,
                                     {{"logfmt", LogFormat::kLogfmt}, {"json", LogFormat::kJson}});
       }},
      {"version", "", kGeneral, "Print the version and what it was built with",
       [](Options& o, Value) {
         o.command = Command::kVersion;
         return Result<void>();
       }},
      {"h,help", "", kGeneral, "Print this",
       [](Options& o, Value) {
         o.command = Command::kHelp;
         return Result<void>();
       }},
  };
}

// --collector.<name> and --no-collector.<name>: the last one given counts.
void AppendCollectorSwitches(std::string_view collector, std::string_view help,
                             std::vector<Row>& rows) {
  const auto enable = [name = std::string(collector)](Options& options, bool on) {
    if (on)
      options.disabled_collectors.erase(name);
    else
      options.disabled_collectors.insert(name);
  };
  for (const bool on : {true, false}) {
    rows.push_back({fmt::format("{}collector.{}", on ? "" : "no-", collector), "", kCollectors,
                    on ? std::string(help) : "Without it", [enable, on](Options& o, Value v) {
                      bool given = false;
                      const Result<void> set = SetSwitch(given, v);
                      if (set) enable(o, given == on);
                      return set;
                    }});
  }
}

// The one table of all options.
std::vector<Row> MakeTable() {
  std::vector<Row> table;
  for (const auto& rows : {CensusRows(), CollectRows(), ServingRows(), GeneralRows()})
    table.insert(table.end(), rows.begin(), rows.end());
  for (const auto& collector : MakeCollectors({}))
    AppendCollectorSwitches(collector->name(), collector->help(), table);
  return table;
}

cxxopts::Options MakeParser(const std::vector<Row>& table) {
  cxxopts::Options parser("bpftally", kIntroduction);
  parser.set_width(100)
      .custom_help("[run|metrics|dump] [FLAGS]")
      .positional_help("")
      .allow_unrecognised_options();
  for (const Row& row : table) {
    std::shared_ptr<cxxopts::Value> value = cxxopts::value<std::string>();
    if (row.argument.empty()) value = cxxopts::value<bool>();
    parser.add_options(row.group, {{row.name, row.help, value, row.argument}});
  }
  parser.add_options("", {{"command", "", cxxopts::value<std::string>(), ""}});
  parser.parse_positional({"command"});
  return parser;
}

std::string_view LongName(const Row& row) {
  const std::string_view name = row.name;
  return name.starts_with("h,") ? name.substr(2) : name;
}

// What nobody took: unknown flags; words only where no unknown flag can have meant to take them.
void ReportUnmatched(const std::vector<std::string>& words, const std::vector<Row>& table,
                     std::vector<std::string>& findings) {
  std::vector<std::string> flags;
  flags.reserve(table.size());
  for (const Row& row : table) flags.push_back(fmt::format("--{}", LongName(row)));
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

void ApplyArguments(const cxxopts::ParseResult& parsed, const std::vector<Row>& table,
                    Options& options, std::vector<std::string>& findings) {
  for (const auto& argument : parsed.arguments()) {
    const auto row = std::ranges::find(table, argument.key(), LongName);
    if (row == table.end()) continue;  // the command
    if (const Result<void> applied = row->apply(options, argument.value()); !applied)
      findings.push_back(fmt::format("--{}: {}", argument.key(), applied.error().message));
  }
}

Result<Options> Interpret(const cxxopts::ParseResult& parsed, const std::vector<Row>& table) {
  Options options;
  options.http.listen_addresses.clear();
  std::vector<std::string> findings;
  std::vector<std::string> unmatched = parsed.unmatched();
  std::string command = parsed.count("command") > 0 ? parsed["command"].as<std::string>() : "run";
  if (command.starts_with('-')) unmatched.push_back(std::exchange(command, "run"));
  ReportUnmatched(unmatched, table, findings);
  if (findings.empty()) {
    if (auto finding = SetCommand(command, options.command)) findings.push_back(*finding);
  }
  ApplyArguments(parsed, table, options, findings);
  if (!findings.empty()) return Invalid(fmt::format("{}", fmt::join(findings, "\n")));
  if (options.http.listen_addresses.empty())
    options.http.listen_addresses = HttpServerOptions().listen_addresses;
  return options;
}

}  // namespace

Result<Options> ParseOptions(std::span<const char* const> arguments) {
  const std::vector<Row> table = MakeTable();
  try {
    return Interpret(MakeParser(table).parse(static_cast<int>(arguments.size()), arguments.data()),
                     table);
  } catch (const cxxopts::exceptions::exception& error) {
    return Invalid(error.what());
  }
}

std::string HelpText() {
  try {
    return MakeParser(MakeTable()).help(kGroups);
  } catch (const cxxopts::exceptions::exception& error) {
    return error.what();
  }
}

}  // namespace bpftally
