#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "export/otlp/otlp_options.h"
#include "settings/otlp_resource.h"

namespace bpftally {

// The flags as given on the command line; empty: not given.
struct OtlpFlags {
  std::string grpc;  // --otlp-grpc
  std::string http;  // --otlp-http
};

struct OtlpSettings {
  OtlpOptions options;                // without endpoints: nothing asked for a push
  std::vector<std::string> warnings;  // variables that could not be used, for the log
};

// Combines flags and OTEL_* variables: flags win, and either asks for a push. As the OpenTelemetry
// specification demands, a variable with an invalid number or choice counts as unset, with a
// warning. What cannot be guessed (an endpoint that is no URL) is an error; it holds every finding,
// one a line. Warnings and errors never show a header, nor the user or query of a URL: these may be
// secrets.
Result<OtlpSettings> ReadOtlpSettings(const OtlpFlags& flags, const Environment& environment,
                                      const HostFacts& host);

}  // namespace bpftally
