#pragma once

#include "population/facts.h"

namespace bpftally {

// Makes one map of every type but struct_ops, with known numbers of entries where they are counted.
// Labels: name of the type, followed by a slash and a trait if a type has several.
void MakePlainMaps(Made& made);

}  // namespace bpftally
