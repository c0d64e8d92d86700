#include "export/otlp/otlp_module.h"

#include <utility>
#include <vector>

#include "export/otlp/otlp_transport.h"

namespace bpftally {
namespace {

Result<std::unique_ptr<OtlpPusher>> MakePusher(const OtlpOptions& options, const Clock& clock) {
  std::vector<std::unique_ptr<OtlpTransport>> transports;
  for (const OtlpEndpoint& endpoint : options.endpoints) {
    auto transport = endpoint.protocol == OtlpProtocol::kGrpc ? MakeGrpcTransport(endpoint)
                                                              : MakeHttpTransport(endpoint);
    if (!transport) return std::unexpected(std::move(transport.error()));
    transports.push_back(std::move(*transport));
  }
  return MakeOtlpPusher(options, std::move(transports), clock);
}

constexpr OtlpModule kModule = {kOtlpModuleBuild, &MakePusher};

}  // namespace
}  // namespace bpftally

extern "C" __attribute__((visibility("default"))) const bpftally::OtlpModule*
bpftally_otlp_module() {  // NOLINT(readability-identifier-naming): looked up by this name
  return &bpftally::kModule;
}
