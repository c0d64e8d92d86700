#include "web/routes.h"

#include "web/landing.h"

namespace bpftally {
namespace {

HttpResponse Healthy(const HttpRequest&) { return {200, "healthy\n"}; }

HttpResponse Ready(const Poller& poller) {
  if (poller.Last() != nullptr) return {200, "ready\n"};
  return {503, "the first poll of the kernel is under way\n"};
}

HttpResponse Landing(const RouteSources& sources) {
  const auto last = sources.poller.Last();
  const auto reload = sources.reload_status ? sources.reload_status() : ReloadStatus();
  return {200,
          RenderLandingPage({sources.telemetry_path, sources.source, last.get(), reload}),
          {{"Content-Type", "text/html; charset=utf-8"}}};
}

}  // namespace

std::vector<HttpRoute> MakeRoutes(const RouteSources& sources) {
  std::vector<HttpRoute> routes = {
      {sources.telemetry_path,
       [&metrics = sources.metrics](const HttpRequest& request) { return metrics.Handle(request); },
       true},
      {"/-/healthy", Healthy},
      {"/-/ready", [&poller = sources.poller](const HttpRequest&) { return Ready(poller); }},
      {"/", [sources](const HttpRequest&) { return Landing(sources); }},
      ReloadRoute(sources.reload),
  };
  if (sources.dump_maps)
    routes.push_back(
        {"/maps", [dump = sources.dump_maps](const HttpRequest&) { return dump(); }, true});
  return routes;
}

}  // namespace bpftally
