#include "programs/plan/plan.h"

#include <algorithm>

namespace bpftally {

MetricType TypeOf(const MetricPlan& metric) {
  if (std::holds_alternative<HistogramPlan>(metric.instrument)) return MetricType::kHistogram;
  if (std::holds_alternative<GaugePlan>(metric.instrument)) return MetricType::kGauge;
  return MetricType::kCounter;
}

FamilySpec FamilyOf(const ProgramPlan& program, const MetricPlan& metric) {
  FamilySpec family{
      .name = metric.name, .help = metric.help, .type = TypeOf(metric), .unit = metric.unit};
  family.scope = program.scope;
  for (const LabelPlan& label : metric.labels) family.label_names.push_back(label.name);
  for (const auto& [name, value] : program.const_labels) family.label_names.push_back(name);
  std::ranges::sort(family.label_names);
  return family;
}

}  // namespace bpftally
