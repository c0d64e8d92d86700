#include "web/lifecycle.h"

#include <fmt/format.h>

#include <utility>

namespace bpftally {
namespace {

HttpResponse Reload(const ReloadFunction& reload) {
  if (!reload)
    return {403, "Lifecycle API is not enabled: start bpftally with --web.enable-lifecycle\n"};
  const Result<void> reloaded = reload();
  if (reloaded) return {200, "reloaded\n"};
  return {500, fmt::format("failed to reload the configuration, the previous one runs on: {}\n",
                           reloaded.error().message)};
}

}  // namespace

HttpRoute ReloadRoute(ReloadFunction reload) {
  return {.path = "/-/reload",
          .handler = [reload = std::move(reload)](const HttpRequest&) { return Reload(reload); },
          .methods = {"POST", "PUT"}};
}

}  // namespace bpftally
