#pragma once

#include <string>

namespace bpftally {

// Version, revision, libraries, compiler and build options, one a line.
std::string VersionText();

}  // namespace bpftally
