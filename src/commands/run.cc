#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "collect/build_info.h"
#include "collect/collector_set.h"
#include "commands/collection.h"
#include "commands/commands.h"
#include "daemon/census_log.h"
#include "daemon/control.h"
#include "daemon/metric_programs.h"
#include "daemon/otlp_loader.h"
#include "daemon/poller.h"
#include "daemon/process.h"
#include "daemon/service_manager.h"
#include "settings/option_rows.h"
#include "settings/option_values.h"
#include "settings/otlp_settings.h"
#include "web/metrics.h"
#include "web/routes.h"

namespace bpftally {
namespace {

constexpr std::chrono::seconds kGrace{4};       // from the signal to the end of the process
constexpr std::chrono::seconds kLastExport{3};  // of it, for the last push

Result<OtlpOptions> ReadOtlp(const Options& options) {
  auto settings = ReadOtlpSettings(
      options.otlp, [](const char* name) { return std::getenv(name); }, ReadHostFacts());
  if (!settings) return std::unexpected(std::move(settings.error()));
  for (const std::string& warning : settings->warnings) spdlog::warn("{}", warning);
  OtlpOptions& otlp = settings->options;
  if (options.otlp_interval) otlp.interval = *options.otlp_interval;
  if (otlp.endpoints.empty() && !options.prometheus) {
    return std::unexpected(
        Error{ErrorKind::kInvalid, 0,
              "--no-prometheus leaves nothing to do: neither --otlp-grpc nor --otlp-http nor an "
              "OTEL_* variable asks for a push"});
  }
  return std::move(otlp);
}

// Returns null if nothing asks for a push.
Result<std::unique_ptr<OtlpPusher>> OpenPusher(const OtlpOptions& otlp, const Clock& clock) {
  if (otlp.endpoints.empty()) return nullptr;
  const auto module = FindOtlpModule();
  if (!module) return std::unexpected(module.error());
  return LoadOtlpPusher(*module, otlp, clock);
}

void StartPushing(OtlpPusher& pusher, Poller& poller, MetricPrograms* programs) {
  OtlpPusher::SpanSource spans;
  if (programs != nullptr && programs->wants_spans())
    spans = [programs](size_t most) { return programs->TakeSpans(most); };
  pusher.Start(
      [&poller](std::chrono::steady_clock::time_point deadline) {
        auto result = poller.Poll(MetricsHandler::kMaxAge, deadline);
        const MetricBatch* batch = &result->batch;
        return std::shared_ptr<const MetricBatch>(std::move(result), batch);
      },
      std::move(spans));
}

std::vector<std::string_view> Names(const CollectorSet& collectors) {
  std::vector<std::string_view> names;
  for (const CollectorReport& report : collectors.Reports()) names.push_back(report.name);
  return names;
}

HttpResponse DumpMaps(const MetricPrograms* programs, const Clock& clock) {
  if (programs == nullptr) return {404, "no metric program runs: --config.dir\n"};
  return {200, programs->DumpMaps(clock.Now() + kPatience)};
}

// Without metric programs there is nothing to read again, which is no error.
Result<void> StartControl(Control& control, MetricPrograms* programs, const Options& options) {
  if (programs == nullptr) {
    return control.Start([] { return std::string("there are no metric programs"); },
                         [] { return false; });
  }
  return control.Start(
      [programs, &options] { return programs->Reload(options.keep_capabilities.all); },
      [programs] { return programs->LetGo(); });
}

RouteSources PagesOf(MetricsHandler& metrics, const Poller& poller, Control& control,
                     const Options& options) {
  RouteSources pages{.metrics = metrics,
                     .poller = poller,
                     .telemetry_path = options.telemetry_path,
                     .source = DescribeSource(options),
                     .reload_status = [&control] { return control.status(); }};
  if (options.enable_lifecycle) pages.reload = [&control] { return control.Reload(); };
  return pages;
}

// Counters of metric programs change fast: every scrape reads them again.
std::chrono::nanoseconds MaxAge(const MetricPrograms* programs) {
  if (programs == nullptr) return MetricsHandler::kMaxAge;
  return std::chrono::nanoseconds(0);
}

// Returns null with --no-prometheus.
Result<std::unique_ptr<HttpServer>> StartServer(const Options& options,
                                                std::vector<HttpRoute> routes) {
  if (!options.prometheus) return nullptr;
  auto server = HttpServer::Start(options.http, std::move(routes));
  if (!server) return server;
  for (const std::string& address : (*server)->addresses())
    spdlog::info("serving {} on http://{}{}", DescribeSource(options), address,
                 options.telemetry_path);
  return server;
}

Result<ExitStatus> Run(const Options& options, const Clock& clock) {
  EndAtOnceOnSignals();
  BlockReloadSignal();
  std::optional<EndGuard> guard;  // first: it watches over the destruction of all below
  KeepHeapSmall();
  spdlog::info("bpftally {} (revision {})", BuildVersion(), BuildRevision());
  auto source = OpenSource(options, clock);
  if (!source) return std::unexpected(source.error());
  const auto otlp = ReadOtlp(options);
  if (!otlp) return std::unexpected(otlp.error());
  const auto programs = MetricPrograms::Load(
      options.programs, {.run_stats = options.reader.run_stats, .spans = !otlp->endpoints.empty()},
      clock);
  if (!programs) return std::unexpected(programs.error());
  if (*programs) (*source)->SetOwnPrograms([&own = **programs] { return own.ProgramIds(); });
  if (options.config_check) return (*programs)->all_loaded() ? kExitSuccess : kExitFailure;
  // Signal masks and capabilities belong to a thread: both must come before the first one starts.
  BlockEndSignals();
  if (auto kept = KeepCapabilities(options.keep_capabilities); !kept)
    return std::unexpected(kept.error());
  const auto pusher = OpenPusher(*otlp, clock);
  if (!pusher) return std::unexpected(pusher.error());
  if (*programs) {
    if (auto started = (*programs)->Start(); !started) return std::unexpected(started.error());
  }
  Control control(clock);
  if (auto started = StartControl(control, programs->get(), options); !started)
    return std::unexpected(started.error());
  auto collectors = EnabledCollectors(options, clock, programs->get(), pusher->get(), &control);
  const auto names = Names(*collectors);

  Poller poller(std::move(*source), std::move(collectors), clock, {options.poll_interval},
                [first = true](const PollResult& result) mutable {
                  if (std::exchange(first, false)) LogCensus(result);
                });
  MetricsHandler metrics(poller, clock, names, MaxAge(programs->get()));
  RouteSources pages = PagesOf(metrics, poller, control, options);
  if (options.debug) pages.dump_maps = [&] { return DumpMaps(programs->get(), clock); };
  auto server = StartServer(options, MakeRoutes(pages));
  if (!server) return std::unexpected(server.error());
  if (*pusher) StartPushing(**pusher, poller, programs->get());
  NotifyServiceManager("READY=1");

  WaitForEnd([&control] { control.RequestReload(); });
  NotifyServiceManager("STOPPING=1");
  guard.emplace(kGrace);
  if (*pusher) (*pusher)->Stop(clock.Now() + kLastExport);
  poller.Stop();  // first: it answers the scrapes that the server waits for
  server->reset();
  return kExitSuccess;
}

Result<void> SetCapabilities(CapabilitiesToKeep& field, const std::string& value) {
  auto keep = ParseCapabilitiesToKeep(value);
  if (!keep) return std::unexpected(std::move(keep.error()));
  field = *std::move(keep);
  return {};
}

Result<void> SetDebug(Options& options, const std::string& value) {
  Result<void> set = SetSwitch(options.debug, value);
  if (set && options.debug) options.log_level = "debug";
  return set;
}

std::vector<OptionRow> OwnRows() {
  return {
      {"config.check", "", kProgramSection, "",
       "Load and attach the metric programs, then exit: with status 1 if the kernel refuses all of "
       "one of them",
       [](Options& o, const std::string& value) { return SetSwitch(o.config_check, value); }},
      {"capabilities.keep", "all|none|NAME,…", kProgramSection, "all",
       "Which privileges to keep once everything is attached; the census loses what needs the "
       "others",
       [](Options& o, const std::string& value) {
         return SetCapabilities(o.keep_capabilities, value);
       }},
      {"debug", "", kProgramSection, "",
       "Log everything, and serve the raw content of the maps of metric programs on /maps",
       SetDebug},
  };
}

void CheckCombination(const Options& options, std::vector<std::string>& findings) {
  CheckProgramOptions(options, findings);
  if (options.config_check && options.programs.directory.empty() &&
      options.programs.shipped.empty())
    findings.emplace_back("--config.check needs --programs or --config.dir");
}

}  // namespace

Command RunCommand() {
  std::vector<OptionRow> options = CollectionRows();
  for (auto&& rows : {OwnRows(), ServingRows(), OtlpRows()}) Append(options, rows);
  return {.name = "run",
          .operands = "",
          .summary = "serve the metrics over HTTP (the default)",
          .options = std::move(options),
          .check = CheckCombination,
          .run = Run};
}

}  // namespace bpftally
