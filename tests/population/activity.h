#pragma once

#include "population/facts.h"

namespace bpftally {

// Makes known things happen to the population: records that wait in ring buffers, records lost in
// perf buffers, runs missed. The facts are brought up to date.
void MakeActivity(Made& made);

}  // namespace bpftally
