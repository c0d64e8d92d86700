#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace bpftally {

enum class LogFormat { kLogfmt, kJson };

// Sets spdlog's default logger up: to stderr, one line per record.
// level: "debug", "info", "warn", "error". No time stamp when the journal adds its own
// (JOURNAL_STREAM is set).
Result<void> SetUpLogging(std::string_view level, LogFormat format);

}  // namespace bpftally
