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
  // If the text has errors, only errors of the plan are kept: what could not be read is missing
  // from it, and warnings may only follow from that.
  std::ranges::copy_if(
      compiled.findings, std::back_inserter(parsed.findings),
      [&](const Finding& f) { return whole || f.severity == Finding::Severity::kError; });
  compiled.findings = std::move(parsed.findings);
  return compiled;
}

}  // namespace bpftally
