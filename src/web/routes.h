#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/poller.h"
#include "daemon/reload_status.h"
#include "http/server.h"
#include "web/lifecycle.h"
#include "web/metrics.h"

namespace bpftally {

// The data and functions behind the pages. Poller and handler must outlive the routes; the
// functions are called on any thread.
struct RouteSources {
  MetricsHandler& metrics;
  const Poller& poller;
  std::string telemetry_path;  // the path of the metrics
  std::string source;          // "the kernel of this host", or which file is replayed
  std::function<ReloadStatus()> reload_status = {};  // empty: nothing can be reloaded
  ReloadFunction reload = {};                        // empty: the lifecycle API is not enabled
  std::function<HttpResponse()> dump_maps = {};      // of --debug; empty: no such page
};

// Returns every page of the HTTP server.
std::vector<HttpRoute> MakeRoutes(const RouteSources& sources);

}  // namespace bpftally
