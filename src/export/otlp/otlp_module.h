#pragma once

#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "export/otlp/otlp_options.h"
#include "export/otlp/otlp_pusher.h"

namespace bpftally {

// Interface of the module that contains the pusher. The daemon loads it only when a push is
// configured: gRPC and its libraries would take more memory than everything else.
//
// The module's one symbol returns this struct. Both sides are C++ and must come from the same
// build: the daemon compares `build` before it uses anything else.
struct OtlpModule {
  const char* build;
  // Fails with kInvalid for unusable files and headers. `clock` must outlive the pusher.
  Result<std::unique_ptr<OtlpPusher>> (*make_pusher)(const OtlpOptions& options,
                                                     const Clock& clock);
};

inline constexpr const char* kOtlpModuleFile = "libbpftally-otlp.so";
inline constexpr const char* kOtlpModuleSymbol = "bpftally_otlp_module";
inline constexpr const char* kOtlpModuleBuild = BPFTALLY_MODULE_BUILD;
using OtlpModuleFunction = const OtlpModule*();

}  // namespace bpftally
