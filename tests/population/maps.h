#pragma once

#include "population/facts.h"

namespace bpftally {

// One map of every type but struct_ops, with known numbers of entries in those that count them.
// Labels: the type's name; with a trait after a slash where a type has several.
void MakePlainMaps(Made& made);

}  // namespace bpftally
