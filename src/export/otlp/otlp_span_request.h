#pragma once

#include <memory>
#include <span>
#include <string>

#include "export/otlp/otlp_encoder.h"
#include "export/otlp/otlp_options.h"
#include "model/span_record.h"

namespace bpftally {

// Serializes as many of the first spans as the limits allow, at least one, into an
// ExportTraceServiceRequest. Spans of a service get the resource with that service's name.
OtlpChunk EncodeSpans(std::span<const std::shared_ptr<const SpanRecord>> spans,
                      const OtlpAttributes& resource, const std::string& scope_version,
                      const OtlpChunkLimits& limits);

}  // namespace bpftally
