#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>

#include "base/error.h"

namespace bpftally {

// kInvalid: what is wrong with the expression, as one line.
Result<std::unique_ptr<RE2>> CompileRegexp(const std::string& text);

}  // namespace bpftally
