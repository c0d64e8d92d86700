#pragma once

#include "programs/frontends/ebpf_exporter/v2_config.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"
#include "programs/plan/problem.h"

namespace bpftally {

// The buckets of a histogram; its slot is left to be filled in.
HistogramPlan PlanBuckets(const HistogramConfig& config, Problems& problems);

// Whether the map can hold what fills the buckets of one histogram.
void CheckCapacity(const HistogramConfig& config, const HistogramPlan& plan, const ObjectMap& map,
                   Problems& problems);

}  // namespace bpftally
