#include "census/parts.h"

namespace bpftally {

std::vector<std::unique_ptr<CensusPart>> MakeCensusParts(const CensusContext& context) {
  std::vector<std::unique_ptr<CensusPart>> parts;
  parts.push_back(MakeProgramsPart(context));
  parts.push_back(MakeMapsPart(context));   // after programs: marks the maps of our own
  parts.push_back(MakeLinksPart(context));  // after maps: some links' targets are maps
  parts.push_back(MakeBtfPart(context));
  return parts;
}

}  // namespace bpftally
