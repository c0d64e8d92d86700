#include "settings/option_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <utility>

#include "base/duration.h"
#include "base/suggest.h"

namespace bpftally {
namespace {

constexpr const char* kCensus = "Census";
constexpr const char* kCollectors = "Collector";
constexpr const char* kPrograms = "Metric programs";
constexpr const char* kServing = "Serving";
constexpr const char* kOtlp = "OTLP";
constexpr const char* kGeneral = "General";

constexpr std::string_view kTakenPaths[] = {"/", "/-/healthy", "/-/ready", "/maps"};

using Row = OptionRow;
using Value = const std::string&;

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
  if (error == std::errc::result_out_of_range && stop == end)
    return Invalid(
        fmt::format("{} is too large: at most {}", value, std::numeric_limits<T>::max()));
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

Result<void> SetOtlpInterval(Options& options, Value value) {
  constexpr std::chrono::milliseconds kShortest{100};
  std::chrono::nanoseconds interval{0};
  Result<void> set = SetDuration(interval, value);
  if (set && interval < kShortest) return Invalid("at least 100ms");
  if (set) options.otlp_interval = interval;
  return set;
}

// A flag that is given and empty is a mistake, not a wish for the default.
Result<void> SetText(std::string& field, Value value, const char* what) {
  if (value.empty()) return Invalid(fmt::format("{} is missing", what));
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
       "How to read BPF objects: iterators, system calls, or the better of both "
       "(default auto)",
       [](Options& o, Value v) {
         return SetChoice<SourceChoice>(o.reader.source, v,
                                        {{"auto", SourceChoice::kAuto},
                                         {"iterator", SourceChoice::kIterator},
                                         {"syscall", SourceChoice::kSyscall}});
       }},
      {"run-stats", "", kCensus,
       "Have the kernel count run time and runs of programs while we run; costs every program some "
       "30 to 60 ns a run",
       [](Options& o, Value v) { return SetSwitch(o.reader.run_stats, v); }},
      {"scan-map-entries", "", kCensus,
       "Count the entries of a map key by key where the kernel cannot tell (bounded)",
       [](Options& o, Value v) { return SetSwitch(o.reader.scan_entries, v); }},
      {"replay", "FILE", kCensus, "Serve a dumped snapshot; needs no privilege",
       [](Options& o, Value v) { return SetText(o.replay, v, "the name of a file"); }},
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

// "a,b": at least one, none twice.
Result<void> SetNames(std::vector<std::string>& field, Value value) {
  field.clear();
  std::string_view left = value;
  while (true) {
    const size_t comma = left.find(',');
    const std::string name(left.substr(0, comma));
    if (name.empty()) return Invalid(fmt::format("\"{}\" has an empty name", value));
    if (std::ranges::find(field, name) != field.end())
      return Invalid(fmt::format("\"{}\" is there twice", name));
    field.push_back(name);
    if (comma == std::string_view::npos) return {};
    left.remove_prefix(comma + 1);
  }
}

Result<void> SetCapabilities(CapabilitiesToKeep& field, Value value) {
  auto keep = ParseCapabilitiesToKeep(value);
  if (!keep) return std::unexpected(std::move(keep.error()));
  field = *std::move(keep);
  return {};
}

Result<void> SetDebug(Options& options, Value value) {
  Result<void> set = SetSwitch(options.debug, value);
  if (set && options.debug) options.log_level = "debug";
  return set;
}

std::vector<Row> ProgramRows() {
  return {
      {"programs", "NAME,…", kPrograms,
       "Which metric programs of those that come with bpftally to run; the command programs lists "
       "them",
       [](Options& o, Value v) { return SetNames(o.programs.shipped, v); }},
      {"config.dir", "DIR", kPrograms, "Where the configurations of metric programs are",
       [](Options& o, Value v) { return SetText(o.programs.directory, v, "a folder"); }},
      {"config.names", "NAME,…", kPrograms,
       "Which of them to run: each is NAME.yaml and NAME.bpf.o in that folder (default: all)",
       [](Options& o, Value v) { return SetNames(o.programs.names, v); }},
      {"config.check", "", kPrograms,
       "Load and attach them, then exit: with status 1 if the kernel refuses a whole object",
       [](Options& o, Value v) { return SetSwitch(o.config_check, v); }},
      {"config.strict", "", kPrograms, "What the kernel refuses of them ends the start",
       [](Options& o, Value v) { return SetSwitch(o.programs.strict, v); }},
      {"config.max-series", "N", kPrograms,
       "Series of all of them together; what is more is left out and counted (default 1000000)",
       [](Options& o, Value v) { return SetNumber(o.programs.max_series, v); }},
      {"btf.path", "FILE", kPrograms,
       "The kernel's types, where the kernel itself does not have them",
       [](Options& o, Value v) { return SetText(o.programs.btf_path, v, "the name of a file"); }},
      {"capabilities.keep", "all|none|NAME,…", kPrograms,
       "What to keep of our privileges once all is attached; the census loses what needs them "
       "(default all)",
       [](Options& o, Value v) { return SetCapabilities(o.keep_capabilities, v); }},
      {"debug", "", kPrograms, "Log all, and serve the raw content of their maps on /maps",
       SetDebug},
  };
}

std::vector<Row> CheckRows() {
  return {
      {"load", "", kPrograms, "check: also ask the verifier of this kernel",
       [](Options& o, Value v) { return SetSwitch(o.check.load, v); }},
      {"attach", "", kPrograms, "check: also attach, for a moment",
       [](Options& o, Value v) { return SetSwitch(o.check.attach, v); }},
      {"json", "", kPrograms, "check: print JSON",
       [](Options& o, Value v) { return SetSwitch(o.check.json, v); }},
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
       "Scrapes at once; one more cuts off a slow reader, or is answered 503; 0: no limit (default "
       "40)",
       [](Options& o, Value v) { return SetNumber(o.http.max_requests, v); }},
  };
}

std::vector<Row> OtlpRows() {
  return {
      {"otlp-grpc", "HOST:PORT", kOtlp,
       "Push over OTLP/gRPC too; also http://… or https://… (default off, port 4317)",
       [](Options& o, Value v) { return SetText(o.otlp.grpc, v, "an address"); }},
      {"otlp-http", "URL", kOtlp,
       "Push over OTLP/HTTP too (default off, port 4318, path /v1/metrics)",
       [](Options& o, Value v) { return SetText(o.otlp.http, v, "a URL"); }},
      {"otlp-interval", "DURATION", kOtlp,
       "From one push to the next (default 60s, or OTEL_METRIC_EXPORT_INTERVAL)", SetOtlpInterval},
      {"no-prometheus", "", kOtlp, "Push only, without the HTTP server",
       [](Options& o, Value v) {
         bool off = false;
         Result<void> set = SetSwitch(off, v);
         if (set) o.prometheus = !off;
         return set;
       }},
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

}  // namespace

std::vector<OptionRow> MakeOptionTable() {
  std::vector<Row> table;
  for (const auto& rows : {CensusRows(), CollectRows(), ProgramRows(), CheckRows(), ServingRows(),
                           OtlpRows(), GeneralRows()})
    table.insert(table.end(), rows.begin(), rows.end());
  for (const auto& collector : MakeCollectors({}))
    AppendCollectorSwitches(collector->name(), collector->help(), table);
  return table;
}

std::vector<std::string> OptionGroups() {
  return {kCensus, kCollectors, kPrograms, kServing, kOtlp, kGeneral};
}

}  // namespace bpftally
