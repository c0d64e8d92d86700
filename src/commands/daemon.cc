#include "commands/daemon.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "collect/build_info.h"
#include "collect/collector_set.h"
#include "commands/program_list.h"
#include "daemon/census_log.h"
#include "daemon/control.h"
#include "daemon/metric_programs.h"
#include "daemon/otlp_collector.h"
#include "daemon/otlp_loader.h"
#include "daemon/poller.h"
#include "daemon/process.h"
#include "daemon/service_manager.h"
#include "kernel/real_bpf_sys.h"
#include "model/snapshot_yaml.h"
#include "programs/frontends/shipped.h"
#include "programs/plan/plan.h"
#include "web/landing.h"
#include "web/metrics.h"

namespace bpftally {
namespace {

constexpr std::chrono::seconds kPatience{30};   // of a command that looks once
constexpr std::chrono::seconds kGrace{4};       // from the signal to the end
constexpr std::chrono::seconds kLastExport{3};  // of it

Result<std::unique_ptr<SnapshotSource>> OpenSource(const Options& options, const Clock& clock) {
  RaiseFileLimit();
  return options.replay.empty() ? OpenKernel(options.reader, clock)
                                : OpenReplay(options.replay, clock);
}

std::string DescribeSource(const Options& options) {
  return options.replay.empty() ? "the kernel of this host" : "a replay of " + options.replay;
}

std::vector<std::unique_ptr<Collector>> EnabledCollectors(const Options& options,
                                                          MetricPrograms* programs,
                                                          const OtlpPusher* pusher = nullptr) {
  CollectOptions collect = options.collect;
  collect.libbpf_version = libbpf_version_string();
  auto collectors = MakeCollectors(collect);
  std::erase_if(collectors, [&](const auto& collector) {
    return options.disabled_collectors.contains(collector->name());
  });
  if (programs != nullptr) collectors.push_back(programs->MakeCollector());
  if (pusher != nullptr)
    collectors.push_back(MakeOtlpCollector([pusher] { return pusher->Stats(); }));
  return collectors;
}

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

// Null where nothing asks for a push.
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

Result<void> WriteOut(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    return std::unexpected(ErrnoError(errno, "write to standard output"));
  return {};
}

HttpResponse PlainText(int status, std::string text) {
  return {status, std::move(text), {{"Content-Type", "text/plain; charset=utf-8"}}};
}

HttpResponse Ready(const Poller& poller) {
  if (poller.Last() != nullptr) return PlainText(200, "ready\n");
  return PlainText(503, "the first look at the kernel is under way\n");
}

HttpResponse Landing(const Poller& poller, const Options& options) {
  const auto last = poller.Last();
  return {200,
          RenderLandingPage({options.telemetry_path, DescribeSource(options), last.get()}),
          {{"Content-Type", "text/html; charset=utf-8"}}};
}

HttpResponse Maps(const MetricPrograms* programs, const Clock& clock) {
  if (programs == nullptr) return PlainText(404, "no metric program runs: --config.dir\n");
  return PlainText(200, programs->DumpMaps(clock.Now() + kPatience));
}

std::vector<HttpRoute> Routes(MetricsHandler& metrics, const Poller& poller,
                              const Options& options) {
  return {
      {options.telemetry_path, [&](const HttpRequest& request) { return metrics.Handle(request); },
       true},
      {"/-/healthy", [](const HttpRequest&) { return PlainText(200, "healthy\n"); }},
      {"/-/ready", [&](const HttpRequest&) { return Ready(poller); }},
      {"/", [&](const HttpRequest&) { return Landing(poller, options); }},
  };
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

// Who watches a program's counters move wants them as they are now.
std::chrono::nanoseconds MaxAge(const MetricPrograms* programs) {
  if (programs == nullptr) return MetricsHandler::kMaxAge;
  return std::chrono::nanoseconds(0);
}

// Null with --no-prometheus.
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

}  // namespace

Result<ExitStatus> Run(const Options& options, const Clock& clock) {
  EndAtOnceOnSignals();
  BlockReloadSignal();
  std::optional<EndGuard> guard;  // first: it watches over the end of all below
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
  // Both before the first thread: each has its own.
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
  auto collectors = EnabledCollectors(options, programs->get(), pusher->get());
  collectors.push_back(MakeReloadCollector([&control] { return control.status(); }));
  auto set = std::make_unique<CollectorSet>(std::move(collectors), clock);
  const auto names = Names(*set);

  Poller poller(std::move(*source), std::move(set), clock, {options.poll_interval},
                [first = true](const PollResult& result) mutable {
                  if (std::exchange(first, false)) LogCensus(result);
                });
  MetricsHandler metrics(poller, clock, names, MaxAge(programs->get()));
  auto routes = Routes(metrics, poller, options);
  if (options.debug) {
    routes.push_back(
        {"/maps", [&](const HttpRequest&) { return Maps(programs->get(), clock); }, true});
  }
  auto server = StartServer(options, std::move(routes));
  if (!server) return std::unexpected(server.error());
  if (*pusher) StartPushing(**pusher, poller, programs->get());
  NotifyServiceManager("READY=1");

  WaitForEnd([&control] { control.RequestReload(); });
  NotifyServiceManager("STOPPING=1");
  guard.emplace(kGrace);
  if (*pusher) (*pusher)->Stop(clock.Now() + kLastExport);
  poller.Stop();  // first: it answers the scrapes that the server waits for at its end
  server->reset();
  return kExitSuccess;
}

Result<ExitStatus> PrintMetrics(const Options& options, const Clock& clock) {
  const auto source = OpenSource(options, clock);
  if (!source) return std::unexpected(source.error());
  const auto programs =
      MetricPrograms::Load(options.programs, {.run_stats = options.reader.run_stats}, clock);
  if (!programs) return std::unexpected(programs.error());
  if (*programs) (*source)->SetOwnPrograms([&own = **programs] { return own.ProgramIds(); });
  CollectorSet collectors(EnabledCollectors(options, programs->get()), clock);
  MetricBatch batch;
  const auto deadline = clock.Now() + kPatience;
  collectors.Collect((*source)->Take(deadline), batch, deadline);
  std::string text;
  WriteText(batch, options.format, [&](std::string_view piece) { text += piece; });
  if (const auto written = WriteOut(text); !written) return std::unexpected(written.error());

  const auto reports = collectors.Reports();
  const bool good = std::ranges::all_of(
      reports, [](const CollectorReport& report) { return report.success.value_or(false); });
  return good ? kExitSuccess : kExitFailure;
}

Result<ExitStatus> Dump(const Options& options, const Clock& clock) {
  const auto source = OpenSource(options, clock);
  if (!source) return std::unexpected(source.error());
  const Snapshot snapshot = (*source)->Take(clock.Now() + kPatience);
  if (const auto written = WriteOut(SnapshotToYaml(snapshot)); !written)
    return std::unexpected(written.error());

  ExitStatus status = kExitSuccess;
  for (const ObjectKind kind : kObjectKinds) {
    const KindStatus& walk = snapshot.StatusOf(kind);
    if (walk.complete) continue;
    spdlog::error("{}: {}", ObjectKindName(kind), walk.error ? walk.error->message : "incomplete");
    status = kExitFailure;
  }
  return status;
}

Result<ExitStatus> Check(const Options& options) {
  const CheckOptions& check = options.check;
  const auto sys = MakeRealBpfSys();
  KernelCheck ask_kernel;
  if (check.load || check.attach)
    ask_kernel = AskThisKernel(*sys, check.attach, options.programs.btf_path);
  const CheckReport report = CheckFiles(check.files, ask_kernel);
  if (const auto written = WriteOut(check.json ? ToJson(report) : ToText(report)); !written)
    return std::unexpected(written.error());
  return report.ok() ? kExitSuccess : kExitConfig;
}

Result<ExitStatus> ListPrograms(const Options& options) {
  const auto directory = FindProgramDirectory();
  if (!directory) return std::unexpected(directory.error());
  const auto sys = MakeRealBpfSys();
  const auto try_program = [&](const ProgramPlan& plan) -> Result<std::vector<AttachStatus>> {
    const auto loaded = LoadedProgram::Load(plan, {.btf_path = options.programs.btf_path}, *sys);
    if (!loaded) return std::unexpected(loaded.error());
    return (*loaded)->statuses();
  };
  if (const auto written = WriteOut(DescribePrograms(*directory, try_program)); !written)
    return std::unexpected(written.error());
  return kExitSuccess;
}

}  // namespace bpftally
