#pragma once

#include "base/json_writer.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Writes the metrics of a plan as a list.
void WriteMetrics(const ProgramPlan& plan, JsonWriter& json);

// Writes the names of a plan's spans as a list.
void WriteSpans(const ProgramPlan& plan, JsonWriter& json);

}  // namespace bpftally
