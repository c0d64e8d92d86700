#include "programs/plan/conflicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "programs/plan/notes.h"
#include "programs/plan/plan.h"
#include "programs/plan/self_metrics.h"

namespace bpftally {
namespace {

constexpr std::array<std::string_view, 3> kHistogramSuffixes = {"_bucket", "_count", "_sum"};

struct NamedMetric {
  const ProgramPlan* program = nullptr;
  const MetricPlan* metric = nullptr;
};

// Returns what two metrics of one name must have in common but do not; empty if they agree.
std::string_view Difference(const NamedMetric& a, const NamedMetric& b) {
  const FamilySpec of_a = FamilyOf(*a.program, *a.metric);
  const FamilySpec of_b = FamilyOf(*b.program, *b.metric);
  if (of_a.type != of_b.type) return "type";
  if (of_a.help != of_b.help) return "help text";
  if (of_a.label_names != of_b.label_names) return "label names";
  return {};
}

class ConflictFinder {
 public:
  Findings Run(std::span<const ProgramPlan> plans) && {
    for (const ProgramPlan& plan : plans) {
      for (const std::string_view name : kSelfMetrics) {
        if (!plan.self.prefix.empty())
          self_metrics_.insert(fmt::format("{}{}", plan.self.prefix, name));
      }
    }
    for (const ProgramPlan& plan : plans) {
      for (const MetricPlan& metric : MetricsOf(plan)) Check({&plan, &metric});
    }
    for (const auto& [name, metric] : metrics_) CheckParts(metric);
    return std::move(findings_);
  }

 private:
  PlanNotes NotesFor(const NamedMetric& named) {
    return {named.program->file, "metric " + Quoted(named.metric->name), findings_};
  }

  void Check(const NamedMetric& named) {
    const MetricPlan& metric = *named.metric;
    if (self_metrics_.contains(metric.name))
      return NotesFor(named).Error(metric.at, "this name is taken by a metric about programs");
    const auto [place, added] = metrics_.emplace(metric.name, named);
    if (added) return;
    const NamedMetric& other = place->second;
    if (const std::string_view what = Difference(other, named); !what.empty()) {
      NotesFor(named).Error(metric.at, fmt::format("another {} than at {}", what,
                                                   Place(other.program->file, other.metric->at)));
    }
  }

  // Checks the three other names under which a histogram is published.
  void CheckParts(const NamedMetric& named) {
    if (TypeOf(*named.metric) != MetricType::kHistogram) return;
    for (const std::string_view suffix : kHistogramSuffixes) {
      const auto found = metrics_.find(fmt::format("{}{}", named.metric->name, suffix));
      if (found == metrics_.end()) continue;
      NotesFor(found->second)
          .Error(found->second.metric->at,
                 fmt::format("this name is taken by a part of histogram {}",
                             Quoted(named.metric->name)));
    }
  }

  std::set<std::string> self_metrics_;  // full names
  std::map<std::string, NamedMetric> metrics_;
  Findings findings_;
};

}  // namespace

Findings CheckTogether(std::span<const ProgramPlan> plans) { return ConflictFinder().Run(plans); }

}  // namespace bpftally
