#pragma once

#include <string>
#include <string_view>

#include "base/finding.h"
#include "programs/frontends/ebpf_exporter/v2_config.h"

namespace bpftally {

struct ParsedConfig {
  ProgramConfig config;
  Findings findings;  // if there are errors, the configuration is incomplete
};

// Parses the YAML of ebpf_exporter v2 as leniently as ebpf_exporter does. Messages name `file`,
// whose stem is the name of the configuration and of the object beside it.
ParsedConfig ParseEbpfExporterConfig(std::string_view yaml, const std::string& file);

}  // namespace bpftally
