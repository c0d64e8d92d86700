#pragma once

#include <string_view>

#include "model/snapshot.h"

namespace bpftally {

// Returns what a feature that is not available needs; empty if that is not known.
std::string_view AdviceFor(const Feature& feature);

}  // namespace bpftally
