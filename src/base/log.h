#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace bpftally {

enum class LogFormat { kLogfmt, kJson };

// Sets up spdlog's default logger: to stderr, one line a record. `level` is "debug", "info", "warn"
// or "error". Omits the time stamp if the journal adds its own (JOURNAL_STREAM is set).
Result<void> SetUpLogging(std::string_view level, LogFormat format);

}  // namespace bpftally
