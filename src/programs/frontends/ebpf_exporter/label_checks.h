#pragma once

#include <span>

#include "programs/frontends/ebpf_exporter/v2_config.h"
#include "programs/object/object_facts.h"
#include "programs/plan/problem.h"

namespace bpftally {

// What a label's bytes and its decoders will never do.
Problems CheckLabel(const LabelConfig& label);

// Names that differ, but are published alike, or as what Prometheus keeps for itself.
Problems CheckPublishedNames(std::span<const LabelConfig> labels);

// Whether the labels fill the map's key, and with what the object tells of it: which padding was
// forgotten.
Problems CheckKey(std::span<const LabelConfig> labels, const ObjectMap& map, ConfigPosition at);

}  // namespace bpftally
