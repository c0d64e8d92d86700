#include "programs/frontends/ebpf_exporter/front_end.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "programs/frontends/ebpf_exporter/planner.h"
#include "programs/frontends/ebpf_exporter/v2_yaml.h"

namespace bpftally {

bool DetectsEbpfExporter(const ConfigText&) { return true; }

Compiled CompileEbpfExporter(const ConfigText& config, const ObjectFacts* object) {
  ParsedConfig parsed = ParseEbpfExporterConfig(config.text, config.file);
  if (object == nullptr) return {{}, std::move(parsed.findings)};
  const bool whole = !HasErrors(parsed.findings);
  Compiled compiled = MakePlan(parsed.config, *object);
  // What could not be read is missing from the plan: of what follows from that, only errors count.
  std::ranges::copy_if(
      compiled.findings, std::back_inserter(parsed.findings),
      [&](const Finding& f) { return whole || f.severity == Finding::Severity::kError; });
  compiled.findings = std::move(parsed.findings);
  return compiled;
}

}  // namespace bpftally
