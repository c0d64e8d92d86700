#pragma once

#include "population/facts.h"

namespace bpftally {

// Causes known activity: records waiting in ring buffers, records lost in perf buffers, missed
// runs. Updates the facts.
void MakeActivity(Made& made);

}  // namespace bpftally
