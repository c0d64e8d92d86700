#include "programs/plan/plan_json.h"

#include <string_view>

namespace bpftally {
namespace {

void Write(const MetricPlan& metric, const std::string& map, JsonWriter& json) {
  json.BeginObject()
      .Member("name", metric.name)
      .Member("type", MetricTypeName(TypeOf(metric)))
      .Member("map", map);
  json.Key("labels").BeginList();
  for (const LabelPlan& label : metric.labels) json.Value(label.name);
  json.EndList().Member("usable", !metric.unusable.has_value()).EndObject();
}

}  // namespace

void WriteMetrics(const ProgramPlan& plan, JsonWriter& json) {
  json.BeginList();
  for (const SourcePlan& source : plan.sources)
    for (const MetricPlan& metric : source.metrics) Write(metric, MapOf(source), json);
  json.EndList();
}

void WriteSpans(const ProgramPlan& plan, JsonWriter& json) {
  json.BeginList();
  for (const SpanPlan& span : SpansOf(plan)) json.Value(span.name);
  json.EndList();
}

}  // namespace bpftally
