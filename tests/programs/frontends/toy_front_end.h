#pragma once

// A second front end, to prove that nothing but front ends depends on a format. Its text has a line
// for each metric, after the line "toy":
//
//   counter NAME MAP LABEL…          of a map's entries: the value's first 8 bytes
//   gauge NAME MAP LABEL…            likewise, the last value of a series
//   events NAME MAP SIZE LABEL…      1 an event of at least SIZE bytes
//   observed NAME MAP SIZE FIELD BOUNDS LABEL…   a histogram of a number in events
//
// LABEL is NAME=FIELD, FIELD is OFFSET:SIZE in the key, or in the event; BOUNDS are joined by
// commas.

#include "programs/frontends/front_end.h"

namespace bpftally {

bool DetectsToy(const ConfigText& config);
Compiled CompileToy(const ConfigText& config, const ObjectFacts* object);

inline constexpr FrontEnd kToyFrontEnd = {
    .name = "toy", .detects = DetectsToy, .compile = CompileToy};

}  // namespace bpftally
