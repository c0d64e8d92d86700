#include "settings/option_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "settings/option_values.h"

namespace bpftally {
namespace {

constexpr const char* kCensus = "Census";
constexpr const char* kCollectors = "Collector";
constexpr const char* kServing = "Serving";
constexpr const char* kOtlp = "OTLP";

constexpr std::string_view kTakenPaths[] = {"/", "/-/healthy", "/-/ready", "/-/reload", "/maps"};

using Row = OptionRow;
using Value = const std::string&;

Result<void> SetTelemetryPath(std::string& field, Value value) {
  if (!value.starts_with('/') || value.find_first_of("?#") != std::string::npos)
    return InvalidOption(fmt::format("\"{}\" is not a path such as /metrics", value));
  if (std::ranges::find(kTakenPaths, value) != std::end(kTakenPaths))
    return InvalidOption(fmt::format("\"{}\" is served already", value));
  field = value;
  return {};
}

Result<void> SetOtlpInterval(Options& options, Value value) {
  constexpr std::chrono::milliseconds kShortest{100};
  std::chrono::nanoseconds interval{0};
  Result<void> set = SetDuration(interval, value);
  if (set && interval < kShortest) return InvalidOption("at least 100ms");
  if (set) options.otlp_interval = interval;
  return set;
}

Result<void> SetLogLevel(Options& options, Value value) {
  return SetChoice<std::string>(
      options.log_level, value,
      {{"debug", "debug"}, {"info", "info"}, {"warn", "warn"}, {"error", "error"}});
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
                    on ? "on" : "", on ? std::string(help) : "Without it",
                    [enable, on](Options& o, Value v) {
                      bool given = false;
                      const Result<void> set = SetSwitch(given, v);
                      if (set) enable(o, given == on);
                      return set;
                    }});
  }
}

}  // namespace

std::vector<OptionRow> CensusRows() {
  return {
      {"source", "auto|iterator|syscall", kCensus, "auto",
       "How to read BPF objects: iterators, system calls, or the better of both",
       [](Options& o, Value v) {
         return SetChoice<SourceChoice>(o.reader.source, v,
                                        {{"auto", SourceChoice::kAuto},
                                         {"iterator", SourceChoice::kIterator},
                                         {"syscall", SourceChoice::kSyscall}});
       }},
      {"run-stats", "", kCensus, "",
       "Have the kernel count runs and run time of BPF programs as long as bpftally runs; this "
       "costs every BPF program about 30 to 60 ns a run",
       [](Options& o, Value v) { return SetSwitch(o.reader.run_stats, v); }},
      {"scan-map-entries", "", kCensus, "",
       "Count the entries of a map key by key where the kernel does not know the number (bounded)",
       [](Options& o, Value v) { return SetSwitch(o.reader.scan_entries, v); }},
      {"replay", "FILE", kCensus, "",
       "Read a snapshot that the command dump wrote instead of the kernel; needs no privilege",
       [](Options& o, Value v) { return SetText(o.replay, v, "the name of a file"); }},
  };
}

std::vector<OptionRow> CollectorRows() {
  std::vector<OptionRow> rows = {
      {"max-objects", "N", kCollectors, "1000",
       "How many objects of each kind have series of their own; the rest is in the sums only",
       [](Options& o, Value v) { return SetNumber(o.collect.max_objects, v); }},
      {"type-labels", "name|number", kCollectors, "name",
       "The type label of maps and links: a name, or the kernel's number",
       [](Options& o, Value v) {
         return SetChoice<bool>(o.collect.type_labels_as_numbers, v,
                                {{"name", false}, {"number", true}});
       }},
      {"size-metrics", "counter|gauge", kCollectors, "counter",
       "The seven sizes as counters ending in _total, or as gauges without it",
       [](Options& o, Value v) {
         return SetChoice<bool>(o.collect.size_metrics_as_gauges, v,
                                {{"counter", false}, {"gauge", true}});
       }},
      {"compat", "bpf-metrics-exporter", kCollectors, "",
       "The eleven metrics of that exporter, as they reach Prometheus, instead of bpftally's "
       "metrics with these names",
       [](Options& o, Value v) {
         return SetChoice<bool>(o.collect.compat, v, {{"bpf-metrics-exporter", true}});
       }},
      {"hide-self", "", kCollectors, "", "Leave out bpftally's own BPF programs, maps and links",
       [](Options& o, Value v) { return SetSwitch(o.collect.hide_self, v); }},
      {"collector.program-maps", "", kCollectors, "off",
       "Which BPF program uses which map: one series for each pair",
       [](Options& o, Value v) { return SetSwitch(o.collect.program_maps, v); }},
  };
  for (const auto& collector : MakeCollectors({}))
    AppendCollectorSwitches(collector->name(), collector->help(), rows);
  return rows;
}

std::vector<OptionRow> ProgramRows() {
  return {
      {"programs", "NAME,…", kProgramSection, "",
       "Which of the metric programs that come with bpftally to run; the command programs lists "
       "them",
       [](Options& o, Value v) { return SetNames(o.programs.shipped, v); }},
      {"config.dir", "DIR", kProgramSection, "",
       "The folder with the configurations of metric programs",
       [](Options& o, Value v) { return SetText(o.programs.directory, v, "a folder"); }},
      {"config.names", "NAME,…", kProgramSection, "",
       "Which of them to run: each is NAME.yaml and NAME.bpf.o in that folder; without this, all",
       [](Options& o, Value v) { return SetNames(o.programs.names, v); }},
      {"config.strict", "", kProgramSection, "",
       "Do not start if the kernel refuses any part of a metric program",
       [](Options& o, Value v) { return SetSwitch(o.programs.strict, v); }},
      {"config.max-series", "N", kProgramSection, "1000000",
       "How many series all metric programs together may have; those beyond are counted and left "
       "out",
       [](Options& o, Value v) { return SetNumber(o.programs.max_series, v); }},
  };
}

OptionRow BtfPathRow() {
  return {
      "btf.path",
      "FILE",
      kProgramSection,
      "",
      "The kernel's types (BTF), for a kernel that does not provide them itself",
      [](Options& o, Value v) { return SetText(o.programs.btf_path, v, "the name of a file"); }};
}

std::vector<OptionRow> ServingRows() {
  return {
      {"poll-interval", "DURATION", kServing, "15s",
       "Poll the kernel at least this often, also when nobody scrapes; 0: only for scrapes and "
       "pushes",
       [](Options& o, Value v) { return SetDuration(o.poll_interval, v); }},
      {"web.listen-address", "HOST:PORT", kServing, ":9435",
       "Where to serve; repeatable, port 0 takes a free one",
       [](Options& o, Value v) {
         o.http.listen_addresses.push_back(v);
         return Result<void>();
       }},
      {"web.telemetry-path", "PATH", kServing, "/metrics", "The path of the metrics",
       [](Options& o, Value v) { return SetTelemetryPath(o.telemetry_path, v); }},
      {"web.max-requests", "N", kServing, "40",
       "How many scrapes to answer at once; one more cuts off a slow reader, or is answered 503; "
       "0: no limit",
       [](Options& o, Value v) { return SetNumber(o.http.max_requests, v); }},
      {"web.enable-lifecycle", "", kServing, "",
       "Let POST /-/reload read the configuration of metric programs again",
       [](Options& o, Value v) { return SetSwitch(o.enable_lifecycle, v); }},
  };
}

std::vector<OptionRow> OtlpRows() {
  return {
      {"otlp-grpc", "HOST:PORT", kOtlp, "off, port 4317",
       "Push over OTLP/gRPC too; also http://… or https://…",
       [](Options& o, Value v) { return SetText(o.otlp.grpc, v, "an address"); }},
      {"otlp-http", "URL", kOtlp, "off, port 4318, path /v1/metrics", "Push over OTLP/HTTP too",
       [](Options& o, Value v) { return SetText(o.otlp.http, v, "a URL"); }},
      {"otlp-interval", "DURATION", kOtlp, "60s, or OTEL_METRIC_EXPORT_INTERVAL",
       "The time from one push to the next", SetOtlpInterval},
      {"no-prometheus", "", kOtlp, "", "Push only, without the HTTP server",
       [](Options& o, Value v) {
         bool off = false;
         Result<void> set = SetSwitch(off, v);
         if (set) o.prometheus = !off;
         return set;
       }},
  };
}

std::vector<OptionRow> GeneralRows() {
  return {
      {"log.level", "debug|info|warn|error", kGeneralSection, "info", "What to log", SetLogLevel},
      {"log.format", "logfmt|json", kGeneralSection, "logfmt", "How to log, to standard error",
       [](Options& o, Value v) {
         return SetChoice<LogFormat>(o.log_format, v,
                                     {{"logfmt", LogFormat::kLogfmt}, {"json", LogFormat::kJson}});
       }},
      {"version", "", kGeneralSection, "", "Print the version and what it was built with",
       [](Options& o, Value v) { return SetSwitch(o.version, v); }},
      {"h,help", "", kGeneralSection, "", "Print the options; of one command, if it is named",
       [](Options& o, Value v) { return SetSwitch(o.help, v); }},
  };
}

void CheckProgramOptions(const Options& options, std::vector<std::string>& findings) {
  if (options.programs.directory.empty() && !options.programs.names.empty())
    findings.emplace_back("--config.names needs --config.dir");
}

}  // namespace bpftally
