#pragma once

#include <string_view>

namespace bpftally {

std::string_view BuildVersion();
std::string_view BuildRevision();  // of git when the build was configured; "unknown" without git

}  // namespace bpftally
