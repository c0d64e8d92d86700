#pragma once

#include "programs/frontends/front_end.h"

namespace bpftally {

// Accepts any text; the findings then report its mistakes in the terms of this format.
bool DetectsEbpfExporter(const ConfigText& config);

// Compiles ebpf_exporter's YAML, version 2.
Compiled CompileEbpfExporter(const ConfigText& config, const ObjectFacts* object);

inline constexpr FrontEnd kEbpfExporterFrontEnd = {
    .name = "ebpf_exporter", .detects = DetectsEbpfExporter, .compile = CompileEbpfExporter};

}  // namespace bpftally
