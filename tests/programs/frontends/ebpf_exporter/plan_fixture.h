#pragma once

#include <linux/bpf.h>

#include <iterator>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "programs/frontends/ebpf_exporter/front_end.h"
#include "programs/object/object_facts.h"

namespace bpftally {

// Returns a map, by default of u32 to u64.
inline ObjectMap Map(std::string name, uint32_t type = BPF_MAP_TYPE_HASH, uint32_t key_size = 4,
                     uint32_t max_entries = 1024) {
  return {.name = std::move(name),
          .type = type,
          .key_size = key_size,
          .value_size = 8,
          .max_entries = max_entries};
}

inline Compiled PlanYaml(std::string_view yaml, const ObjectFacts& object,
                         const std::string& file = "x.yaml") {
  return Compile({yaml, file}, &object, std::span(&kEbpfExporterFrontEnd, 1));
}

inline const MetricPlan& MetricAt(const ProgramPlan& plan, size_t place) {
  auto metrics = MetricsOf(plan);
  return *std::ranges::next(metrics.begin(), static_cast<std::ptrdiff_t>(place));
}

inline std::vector<std::string> Messages(const Findings& findings) {
  std::vector<std::string> messages;
  for (const Finding& finding : findings) {
    const bool error = finding.severity == Finding::Severity::kError;
    messages.push_back((error ? "error " : "warning ") + ToString(finding));
  }
  return messages;
}

}  // namespace bpftally
