#pragma once

#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "export/otlp/otlp_options.h"
#include "export/otlp/otlp_pusher.h"

namespace bpftally {

// The pusher lives in a module of its own, which the daemon loads when a push is asked for: gRPC
// and what it needs would take more memory than all the rest.
//
// What its one symbol yields. Both sides are C++, so both must be of one build: `build` is compared
// before anything else is touched.
struct OtlpModule {
  const char* build;
  // kInvalid for files and headers that do not do. `clock` must outlive the pusher.
  Result<std::unique_ptr<OtlpPusher>> (*make_pusher)(const OtlpOptions& options,
                                                     const Clock& clock);
};

inline constexpr const char* kOtlpModuleFile = "libbpftally-otlp.so";
inline constexpr const char* kOtlpModuleSymbol = "bpftally_otlp_module";
inline constexpr const char* kOtlpModuleBuild = BPFTALLY_MODULE_BUILD;
using OtlpModuleFunction = const OtlpModule*();

}  // namespace bpftally
