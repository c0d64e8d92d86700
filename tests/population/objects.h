#pragma once

#include "population/facts.h"

namespace bpftally {

// The programs and maps of the compiled objects, labelled with their full names.
void MakeObjects(Made& made);

}  // namespace bpftally
