#pragma once

#include "programs/frontends/ebpf_exporter/v2_config.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"
#include "programs/plan/problem.h"

namespace bpftally {

// Plans the buckets of a histogram; the caller fills in its slot.
HistogramPlan PlanBuckets(const HistogramConfig& config, Problems& problems);

// Checks that the map can hold all slots of one histogram.
void CheckCapacity(const HistogramConfig& config, const HistogramPlan& plan, const ObjectMap& map,
                   Problems& problems);

}  // namespace bpftally
