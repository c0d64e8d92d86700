#pragma once

#include "base/json_writer.h"
#include "programs/plan/plan.h"

namespace bpftally {

// The metrics of a plan as a list.
void WriteMetrics(const ProgramPlan& plan, JsonWriter& json);

// The names of its spans as a list.
void WriteSpans(const ProgramPlan& plan, JsonWriter& json);

}  // namespace bpftally
