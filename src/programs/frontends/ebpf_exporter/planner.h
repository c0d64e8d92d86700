#pragma once

#include "programs/frontends/ebpf_exporter/v2_config.h"
#include "programs/frontends/front_end.h"
#include "programs/object/object_facts.h"

namespace bpftally {

// Plans decoders; each takes only the argument that belongs to its name, whatever else is written
// beside it.
std::vector<DecoderPlan> PlanDecoders(const std::vector<DecoderConfig>& configs);

// Checks a configuration against its object and lays out what to read. Returns all findings at
// once.
Compiled MakePlan(const ProgramConfig& config, const ObjectFacts& object);

}  // namespace bpftally
