#pragma once

#include <string_view>

#include "base/error.h"
#include "daemon/exit_status.h"

namespace bpftally {

// Writes all of it to standard output; the error is that of the write.
Result<void> WriteOut(std::string_view text);

// The same, as all that a command does.
Result<ExitStatus> Print(std::string_view text);

}  // namespace bpftally
