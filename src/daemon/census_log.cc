#include "daemon/census_log.h"

#include <spdlog/spdlog.h>

#include <string_view>

#include "daemon/feature_advice.h"

namespace bpftally {
namespace {

void LogKind(const PollResult& result, ObjectKind kind) {
  const KindStatus& status = result.kinds[static_cast<size_t>(kind)];
  const size_t objects = result.objects[static_cast<size_t>(kind)];
  spdlog::info("{}: {} found, source {}{}", ObjectKindName(kind), objects,
               SourceName(status.source), status.complete ? "" : ", not all");
}

}  // namespace

void LogCensus(const PollResult& result) {
  for (const ObjectKind kind : kObjectKinds) LogKind(result, kind);
  for (const Feature& feature : result.features) {
    if (feature.available) continue;
    const std::string_view advice = AdviceFor(feature);
    spdlog::info("not available: {} by {}{}{}", feature.name, feature.source,
                 advice.empty() ? "" : ": ", advice);
  }
}

}  // namespace bpftally
