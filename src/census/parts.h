#pragma once

#include <memory>
#include <vector>

#include "census/census_part.h"

namespace bpftally {

// All parts, in the order in which they read. `context` must outlive them.
std::vector<std::unique_ptr<CensusPart>> MakeCensusParts(const CensusContext& context);

// One factory a part: only parts.cc needs them.
std::unique_ptr<CensusPart> MakeProgramsPart(const CensusContext& context);
std::unique_ptr<CensusPart> MakeMapsPart(const CensusContext& context);
std::unique_ptr<CensusPart> MakeLinksPart(const CensusContext& context);
std::unique_ptr<CensusPart> MakeBtfPart(const CensusContext& context);

}  // namespace bpftally
