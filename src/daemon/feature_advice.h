#pragma once

#include <string_view>

#include "model/snapshot.h"

namespace bpftally {

// What a feature that is not available needs; empty where we do not know.
std::string_view AdviceFor(const Feature& feature);

}  // namespace bpftally
