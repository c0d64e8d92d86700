#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>

#include "base/error.h"

namespace bpftally {

// Compiles an expression; fails with kInvalid and one line about its mistake.
Result<std::unique_ptr<RE2>> CompileRegexp(const std::string& text);

}  // namespace bpftally
