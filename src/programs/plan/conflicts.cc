#include "programs/plan/conflicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "programs/plan/notes.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

// The families in which we tell of the programs themselves, under the names of this dialect.
constexpr std::array<std::string_view, 6> kOwnFamilies = {
    "ebpf_exporter_enabled_configs",       "ebpf_exporter_ebpf_program_info",
    "ebpf_exporter_ebpf_program_attached", "ebpf_exporter_ebpf_program_run_time_seconds",
    "ebpf_exporter_decoder_errors_total",  "ebpf_exporter_ebpf_program_run_count_total"};

constexpr std::array<std::string_view, 3> kHistogramSuffixes = {"_bucket", "_count", "_sum"};

struct NamedMetric {
  const ProgramPlan* program = nullptr;
  const MetricPlan* metric = nullptr;
};

std::set<std::string_view> LabelNames(const MetricPlan& metric) {
  std::set<std::string_view> names;
  for (const LabelPlan& label : metric.labels) names.insert(label.name);
  return names;
}

// What two metrics of one name must have in common; empty where they do.
std::string_view Difference(const MetricPlan& a, const MetricPlan& b) {
  if (a.type != b.type) return "type";
  if (a.help != b.help) return "help text";
  if (LabelNames(a) != LabelNames(b)) return "label names";
  return {};
}

class ConflictFinder {
 public:
  Findings Run(std::span<const ProgramPlan> plans) && {
    for (const ProgramPlan& plan : plans) {
      for (const MetricPlan& metric : plan.metrics) Look({&plan, &metric});
    }
    for (const auto& [name, metric] : metrics_) LookForParts(metric);
    return std::move(findings_);
  }

 private:
  PlanNotes NotesFor(const NamedMetric& named) {
    return {named.program->file, "metric " + Quoted(named.metric->name), findings_};
  }

  void Look(const NamedMetric& named) {
    const MetricPlan& metric = *named.metric;
    if (std::ranges::find(kOwnFamilies, metric.name) != kOwnFamilies.end())
      return NotesFor(named).Error(metric.at, "this name is taken by a metric about programs");
    const auto [place, added] = metrics_.emplace(metric.name, named);
    if (added) return;
    const NamedMetric& other = place->second;
    if (const std::string_view what = Difference(*other.metric, metric); !what.empty()) {
      NotesFor(named).Error(metric.at, fmt::format("another {} than at {}", what,
                                                   Place(other.program->file, other.metric->at)));
    }
  }

  // A histogram is published under three names more.
  void LookForParts(const NamedMetric& named) {
    if (named.metric->type != MetricType::kHistogram) return;
    for (const std::string_view suffix : kHistogramSuffixes) {
      const auto found = metrics_.find(fmt::format("{}{}", named.metric->name, suffix));
      if (found == metrics_.end()) continue;
      NotesFor(found->second)
          .Error(found->second.metric->at,
                 fmt::format("this name is taken by a part of histogram {}",
                             Quoted(named.metric->name)));
    }
  }

  std::map<std::string, NamedMetric> metrics_;
  Findings findings_;
};

}  // namespace

Findings CheckTogether(std::span<const ProgramPlan> plans) { return ConflictFinder().Run(plans); }

}  // namespace bpftally
