// Configurations of metric programs: any text, against an object that there is.

#include <linux/bpf.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "fuzz/fuzz_check.h"
#include "programs/frontends/front_end.h"
#include "programs/object/object_facts.h"
#include "programs/plan/conflicts.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

const ObjectFacts& Object() {
  static const ObjectFacts object = {
      .maps =
          {{.name = "hash",
            .type = BPF_MAP_TYPE_HASH,
            .key_size = 8,
            .value_size = 16,
            .max_entries = 100,
            .key_fields = {{"a", 0, 4}, {"b", 4, 4}}},
           {.name = "cpus",
            .type = BPF_MAP_TYPE_PERCPU_ARRAY,
            .key_size = 4,
            .value_size = 8,
            .max_entries = 64},
           {.name = "perf", .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_size = 4, .value_size = 4},
           {.name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096}},
      .programs = {{"on_exec", "tp/sched/sched_process_exec"}}};
  return object;
}

void CheckFindings(const Findings& findings) {
  for (const Finding& finding : findings) {
    const std::string line = ToString(finding);
    Require(line.find('\n') == std::string::npos, "a finding is one line", line);
    Require(finding.at.line >= 0 && finding.at.column >= 0, "a finding has a place", line);
  }
}

// What the evaluators take for granted of a plan that may run.
void CheckMetric(const MetricPlan& metric) {
  for (const LabelPlan& label : metric.labels) {
    Require(IsValidLabelName(label.name), "a label has a name", label.name);
    Require(!label.decoders.empty(), "a label has a decoder", label.name);
  }
  const auto* histogram = std::get_if<HistogramPlan>(&metric.instrument);
  if (histogram == nullptr) return;
  Require(std::ranges::is_sorted(histogram->buckets, std::less_equal<>(), &BucketPlan::upper_bound),
          "bounds ascend", metric.name);
}

void Check(std::string_view yaml) {
  const Compiled planned = Compile({yaml, "some/where.yaml"}, &Object());
  CheckFindings(planned.findings);
  CheckFindings(CheckTogether(std::span(&planned.plan, 1)));
  if (HasErrors(planned.findings)) return;
  for (const MetricPlan& metric : MetricsOf(planned.plan)) {
    if (!metric.unusable) CheckMetric(metric);
  }
}

}  // namespace
}  // namespace bpftally

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bpftally::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
