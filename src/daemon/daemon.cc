#include "daemon/daemon.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "collect/build_info.h"
#include "collect/collector_set.h"
#include "daemon/census_log.h"
#include "daemon/landing_page.h"
#include "daemon/metrics_handler.h"
#include "daemon/poller.h"
#include "daemon/process.h"
#include "daemon/service_manager.h"
#include "model/snapshot_yaml.h"

namespace bpftally {
namespace {

constexpr std::chrono::seconds kPatience{30};  // of a command that looks once
constexpr std::chrono::seconds kGrace{4};      // from the signal to the end

Result<std::unique_ptr<SnapshotSource>> OpenSource(const Options& options, const Clock& clock) {
  RaiseFileLimit();
  return options.replay.empty() ? OpenKernel(options.reader, clock)
                                : OpenReplay(options.replay, clock);
}

std::string DescribeSource(const Options& options) {
  return options.replay.empty() ? "the kernel of this host" : "a replay of " + options.replay;
}

std::unique_ptr<CollectorSet> EnabledCollectors(const Options& options, const Clock& clock) {
  CollectOptions collect = options.collect;
  collect.libbpf_version = libbpf_version_string();
  auto collectors = MakeCollectors(collect);
  std::erase_if(collectors, [&](const auto& collector) {
    return options.disabled_collectors.contains(collector->name());
  });
  return std::make_unique<CollectorSet>(std::move(collectors), clock);
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

std::vector<HttpRoute> Routes(const MetricsHandler& metrics, const Poller& poller,
                              const Options& options) {
  return {
      {options.telemetry_path, [&](const HttpRequest& request) { return metrics.Handle(request); },
       true},
      {"/-/healthy", [](const HttpRequest&) { return PlainText(200, "healthy\n"); }},
      {"/-/ready", [&](const HttpRequest&) { return Ready(poller); }},
      {"/", [&](const HttpRequest&) { return Landing(poller, options); }},
  };
}

}  // namespace

Result<ExitStatus> Run(const Options& options, const Clock& clock) {
  BlockEndSignals();
  KeepHeapSmall();
  spdlog::info("bpftally {} (revision {})", BuildVersion(), BuildRevision());
  auto source = OpenSource(options, clock);
  if (!source) return std::unexpected(source.error());
  auto collectors = EnabledCollectors(options, clock);
  const auto names = Names(*collectors);

  Poller poller(std::move(*source), std::move(collectors), clock, {options.poll_interval},
                [first = true](const PollResult& result) mutable {
                  if (std::exchange(first, false)) LogCensus(result);
                });
  const MetricsHandler metrics(poller, clock, names);
  auto server = HttpServer::Start(options.http, Routes(metrics, poller, options));
  if (!server) return std::unexpected(server.error());
  for (const std::string& address : (*server)->addresses())
    spdlog::info("serving {} on http://{}{}", DescribeSource(options), address,
                 options.telemetry_path);
  NotifyServiceManager("READY=1");

  WaitForEnd();
  NotifyServiceManager("STOPPING=1");
  EndWithin(kGrace);
  poller.Stop();  // first: it answers the scrapes that the server waits for at its end
  server->reset();
  return kExitSuccess;
}

Result<ExitStatus> PrintMetrics(const Options& options, const Clock& clock) {
  const auto source = OpenSource(options, clock);
  if (!source) return std::unexpected(source.error());
  const auto collectors = EnabledCollectors(options, clock);
  MetricBatch batch;
  collectors->Collect((*source)->Take(clock.Now() + kPatience), batch);
  std::string text;
  WriteText(batch, options.format, [&](std::string_view piece) { text += piece; });
  if (const auto written = WriteOut(text); !written) return std::unexpected(written.error());

  const auto reports = collectors->Reports();
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

}  // namespace bpftally
