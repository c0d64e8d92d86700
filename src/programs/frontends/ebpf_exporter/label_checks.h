#pragma once

#include <span>

#include "programs/frontends/ebpf_exporter/v2_config.h"
#include "programs/object/object_facts.h"
#include "programs/plan/problem.h"

namespace bpftally {

// Finds sizes and decoders that can never work for this label.
Problems CheckLabel(const LabelConfig& label);

// Finds names that differ, but are published alike, or under a name that Prometheus reserves.
Problems CheckPublishedNames(std::span<const LabelConfig> labels);

// Checks that the labels fill the map's key; if the object has the key's fields, also says which
// padding was forgotten.
Problems CheckKey(std::span<const LabelConfig> labels, const ObjectMap& map, ConfigPosition at);

}  // namespace bpftally
