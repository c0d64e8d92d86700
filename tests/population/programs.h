#pragma once

#include "population/facts.h"

namespace bpftally {

// Makes one program of every type, of two or three instructions, so that all its numbers are known.
// Labels: name of the type, followed by a slash and the attach type or target if a type has
// several.
void MakePlainPrograms(Made& made);

}  // namespace bpftally
