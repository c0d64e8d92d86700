#pragma once

#include "population/facts.h"

namespace bpftally {

// Loads the programs and maps of the compiled objects. Labels: full names.
void MakeObjects(Made& made);

}  // namespace bpftally
