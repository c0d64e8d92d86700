#pragma once

#include <string>
#include <string_view>

#include "base/finding.h"
#include "programs/frontends/ebpf_exporter/v2_config.h"

namespace bpftally {

struct ParsedConfig {
  ProgramConfig config;
  Findings findings;  // with errors the configuration is not whole
};

// The YAML of ebpf_exporter v2, read as leniently as it does. `file` names it in messages; its
// stem is the configuration's name and that of the object beside it.
ParsedConfig ParseEbpfExporterConfig(std::string_view yaml, const std::string& file);

}  // namespace bpftally
