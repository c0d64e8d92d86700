#include "daemon/census_log.h"

#include <spdlog/spdlog.h>

#include <string_view>

#include "daemon/feature_advice.h"

namespace bpftally {
namespace {

void LogKind(const Snapshot& snapshot, ObjectKind kind) {
  const KindStatus& status = snapshot.StatusOf(kind);
  spdlog::info("{}: {} found, source {}{}", ObjectKindName(kind), snapshot.CountOf(kind),
               SourceName(status.source), status.complete ? "" : ", incomplete");
}

}  // namespace

void LogCensus(const PollResult& result) {
  for (const ObjectKind kind : kObjectKinds) LogKind(*result.snapshot, kind);
  for (const Feature& feature : result.snapshot->features) {
    if (feature.available) continue;
    const std::string_view advice = AdviceFor(feature);
    spdlog::info("not available: {} by {}{}{}", feature.name, feature.source,
                 advice.empty() ? "" : ": ", advice);
  }
}

}  // namespace bpftally
