#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "export/otlp/otlp_options.h"
#include "export/otlp/otlp_pusher.h"

namespace bpftally {

// Loads the module at that path, for the life of the process, and returns its pusher. kUnsupported:
// the module is missing or of another build; kInvalid: the options are wrong.
Result<std::unique_ptr<OtlpPusher>> LoadOtlpPusher(const std::string& module,
                                                   const OtlpOptions& options, const Clock& clock);

// Finds the module of this program: beside it (as built) or where it is installed.
Result<std::string> FindOtlpModule();

}  // namespace bpftally
