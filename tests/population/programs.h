#pragma once

#include "population/facts.h"

namespace bpftally {

// One program of every type, of two or three instructions, so that every number of it is known.
// Labels: the type's name; with the attach type or target after a slash where a type has several.
void MakePlainPrograms(Made& made);

}  // namespace bpftally
