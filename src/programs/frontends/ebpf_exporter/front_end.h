#pragma once

#include "programs/frontends/front_end.h"

namespace bpftally {

// Takes any text: what is wrong with it, it says in the terms of this format.
bool DetectsEbpfExporter(const ConfigText& config);

// ebpf_exporter's YAML, version 2.
Compiled CompileEbpfExporter(const ConfigText& config, const ObjectFacts* object);

inline constexpr FrontEnd kEbpfExporterFrontEnd = {
    .name = "ebpf_exporter", .detects = DetectsEbpfExporter, .compile = CompileEbpfExporter};

}  // namespace bpftally
