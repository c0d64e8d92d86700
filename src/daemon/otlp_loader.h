#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "export/otlp/otlp_options.h"
#include "export/otlp/otlp_pusher.h"

namespace bpftally {

// A pusher of the module at that path, which stays loaded for good. kUnsupported where the module
// is not there, or not of this build; kInvalid where the options do not do.
Result<std::unique_ptr<OtlpPusher>> LoadOtlpPusher(const std::string& module,
                                                   const OtlpOptions& options, const Clock& clock);

// Where the module of this program is: beside it, as built, or where it is installed to.
Result<std::string> FindOtlpModule();

}  // namespace bpftally
