#include "export/otlp/otlp_span_request.h"

#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

namespace bpftally {
namespace {

namespace common = opentelemetry::proto::common::v1;
namespace trace = opentelemetry::proto::trace::v1;
using ExportRequest = opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest;

constexpr size_t kLengthBytes = 6;  // tag and length of a message inside another, at most
constexpr std::string_view kServiceName = "service.name";

void SetAttribute(common::KeyValue& attribute, const std::string& key, const std::string& value) {
  attribute.set_key(key);
  attribute.mutable_value()->set_string_value(value);
}

bool IsZero(const auto& id) {
  return std::ranges::all_of(id, [](uint8_t byte) { return byte == 0; });
}

std::string BytesOf(const auto& id) { return {id.begin(), id.end()}; }

trace::Span MessageOf(const SpanRecord& record) {
  trace::Span span;
  span.set_trace_id(BytesOf(record.trace_id));
  span.set_span_id(BytesOf(record.span_id));
  if (!IsZero(record.parent_span_id)) span.set_parent_span_id(BytesOf(record.parent_span_id));
  span.set_name(record.name);
  span.set_kind(trace::Span::SPAN_KIND_INTERNAL);
  const auto start = static_cast<uint64_t>(std::max<int64_t>(record.start_time_ns, 0));
  const uint64_t longest = std::numeric_limits<uint64_t>::max() - start;
  span.set_start_time_unix_nano(start);
  span.set_end_time_unix_nano(start + std::min(record.duration_ns, longest));
  for (const auto& [key, value] : record.attributes)
    SetAttribute(*span.add_attributes(), key, value);
  return span;
}

// Makes the part of a request that holds a service's spans.
trace::ResourceSpans PartFor(const std::string& service, const OtlpAttributes& resource,
                             const std::string& scope_version) {
  trace::ResourceSpans part;
  auto& attributes = *part.mutable_resource()->mutable_attributes();
  if (!service.empty()) SetAttribute(*attributes.Add(), std::string(kServiceName), service);
  for (const auto& [key, value] : resource) {
    if (service.empty() || key != kServiceName) SetAttribute(*attributes.Add(), key, value);
  }
  common::InstrumentationScope& scope = *part.add_scope_spans()->mutable_scope();
  scope.set_name("bpftally");
  scope.set_version(scope_version);
  return part;
}

// A trace request that is being filled. Its size is known at any time.
class SpanRequest {
 public:
  SpanRequest(const OtlpAttributes& resource, const std::string& scope_version)
      : resource_(resource), scope_version_(scope_version) {}

  // Returns false if the span would exceed `most_bytes`; the first span always fits.
  bool Add(const SpanRecord& record, size_t most_bytes) {
    trace::Span span = MessageOf(record);
    const auto place = places_.find(record.service);
    trace::ResourceSpans part;
    size_t bytes = span.ByteSizeLong() + kLengthBytes;
    if (place == places_.end()) {
      part = PartFor(record.service, resource_, scope_version_);
      bytes += part.ByteSizeLong() + 2 * kLengthBytes;
    }
    if (spans_ > 0 && bytes_ + bytes > most_bytes) return false;
    const int index = place != places_.end() ? place->second : AddPart(record.service, part);
    *request_.mutable_resource_spans(index)->mutable_scope_spans(0)->add_spans() = std::move(span);
    bytes_ += bytes;
    ++spans_;
    return true;
  }

  OtlpChunk Finish() const { return {request_.SerializeAsString(), spans_}; }

 private:
  int AddPart(const std::string& service, trace::ResourceSpans& part) {
    *request_.add_resource_spans() = std::move(part);
    return places_[service] = request_.resource_spans_size() - 1;
  }

  const OtlpAttributes& resource_;
  const std::string& scope_version_;
  ExportRequest request_;
  std::map<std::string, int> places_;  // index of each service's part
  size_t spans_ = 0;
  size_t bytes_ = 0;
};

}  // namespace

OtlpChunk EncodeSpans(std::span<const std::shared_ptr<const SpanRecord>> spans,
                      const OtlpAttributes& resource, const std::string& scope_version,
                      const OtlpChunkLimits& limits) {
  SpanRequest request(resource, scope_version);
  for (const auto& span : spans.first(std::min(spans.size(), limits.points))) {
    if (!request.Add(*span, limits.bytes)) break;
  }
  return request.Finish();
}

}  // namespace bpftally
