#include "collect/build_info.h"

namespace bpftally {

std::string_view BuildVersion() { return BPFTALLY_VERSION; }
std::string_view BuildRevision() { return BPFTALLY_REVISION; }

}  // namespace bpftally
