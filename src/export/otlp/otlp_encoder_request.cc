#include "export/otlp/otlp_encoder_request.h"

#include <google/protobuf/arena.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>

#include <bit>
#include <numeric>
#include <utility>
#include <variant>

#include "export/otlp/otlp_names.h"

namespace bpftally {
namespace {

namespace common = opentelemetry::proto::common::v1;
namespace metrics = opentelemetry::proto::metrics::v1;
using ExportRequest = opentelemetry::proto::collector::metrics::v1::ExportMetricsServiceRequest;

constexpr size_t kFixed64Bytes = 9;  // with the tag
constexpr size_t kSmallBytes = 2;    // a flag or an enumerator, with the tag
constexpr size_t kLengthBytes = 6;   // tag and length field, while the length is unknown
// Start, time, and value or count. A point without a value has a flag instead, which is smaller.
constexpr size_t kPointBytes = 3 * kFixed64Bytes;

// Size of a length-delimited field with its tag. No message used here has a field number above 15.
size_t FieldBytes(size_t length) {
  constexpr int kVarintBits = 7;
  return 1 + static_cast<size_t>(std::bit_width(length | 1) + kVarintBits - 1) / kVarintBits +
         length;
}

size_t AttributeBytes(const FamilySpec& spec, LabelValues labels) {
  size_t bytes = 0;
  for (size_t i = 0; i < spec.label_names.size(); ++i) {
    if (labels[i].empty()) continue;
    const size_t value = FieldBytes(FieldBytes(labels[i].size()));
    bytes += FieldBytes(FieldBytes(spec.label_names[i].size()) + value);
  }
  return bytes;
}

void SetAttribute(common::KeyValue& attribute, std::string_view key, std::string_view value) {
  attribute.mutable_key()->assign(key);
  attribute.mutable_value()->mutable_string_value()->assign(value);
}

std::unique_ptr<google::protobuf::Arena> MakeArena() {
  google::protobuf::ArenaOptions options;
  constexpr size_t kBlockBytes = size_t{64} * 1024;
  options.start_block_size = kBlockBytes;
  options.max_block_size = kBlockBytes;
  return std::make_unique<google::protobuf::Arena>(options);
}

double AsDouble(const Number& number) {
  return std::visit([](auto value) { return static_cast<double>(value); }, number);
}

// Sets an exact value where OTLP has one: it has no unsigned integers.
void SetNumber(metrics::NumberDataPoint& point, const Number& number) {
  if (const auto* const u = std::get_if<uint64_t>(&number);
      u != nullptr && std::in_range<int64_t>(*u)) {
    point.set_as_int(static_cast<int64_t>(*u));
  } else if (const auto* const i = std::get_if<int64_t>(&number)) {
    point.set_as_int(*i);
  } else {
    point.set_as_double(AsDouble(number));
  }
}

// The specification forbids a sum that can fall.
bool HasSum(const HistogramSample& sample) {
  const bool may_fall = !sample.upper_bounds.empty() && sample.upper_bounds.front() < 0;
  return sample.sum.has_value() && !may_fall;
}

}  // namespace

OtlpRequest::OtlpRequest(const OtlpAttributes& resource, const std::string& scope_version)
    : arena_(MakeArena()),
      request_(google::protobuf::Arena::CreateMessage<ExportRequest>(arena_.get())) {
  metrics::ResourceMetrics& all = *request_->add_resource_metrics();
  for (const auto& [key, value] : resource)
    SetAttribute(*all.mutable_resource()->add_attributes(), key, value);
  scope_ = all.add_scope_metrics();
  scope_->mutable_scope()->set_name("bpftally");
  scope_->mutable_scope()->set_version(scope_version);
  bytes_ = request_->ByteSizeLong() + 2 * kLengthBytes;
}

OtlpRequest::~OtlpRequest() = default;

size_t OtlpRequest::MetricBytes(const FamilySpec& spec) {
  // The name in OTLP is at most as long as the family's.
  return FieldBytes(spec.name.size()) + FieldBytes(spec.help.size()) +
         FieldBytes(spec.unit.size()) + 2 * kSmallBytes + 2 * kLengthBytes;
}

size_t OtlpRequest::PointBytes(const FamilySpec& spec, LabelValues labels) {
  return FieldBytes(kPointBytes + AttributeBytes(spec, labels));
}

size_t OtlpRequest::PointBytes(const FamilySpec& spec, const HistogramSample& sample) {
  const size_t sum = kFixed64Bytes;
  return FieldBytes(kPointBytes + sum + AttributeBytes(spec, sample.labels) +
                    FieldBytes(sample.counts.size_bytes()) +
                    FieldBytes(sample.upper_bounds.size_bytes()));
}

void OtlpRequest::StartMetric(const FamilySpec& spec, bool delta) {
  spec_ = &spec;
  metric_ = scope_->add_metrics();
  OtlpName name = NameForOtlp(spec);
  metric_->set_name(std::move(name.name));
  metric_->set_description(spec.help);
  metric_->set_unit(std::move(name.unit));
  bytes_ += MetricBytes(spec);
  const auto temporality =
      delta ? metrics::AGGREGATION_TEMPORALITY_DELTA : metrics::AGGREGATION_TEMPORALITY_CUMULATIVE;
  switch (spec.type) {
    case MetricType::kGauge:
      metric_->mutable_gauge();
      break;
    case MetricType::kCounter:
      metric_->mutable_sum()->set_is_monotonic(name.monotonic);
      metric_->mutable_sum()->set_aggregation_temporality(temporality);
      break;
    case MetricType::kHistogram:
      metric_->mutable_histogram()->set_aggregation_temporality(temporality);
      break;
  }
}

template <typename Point>
void OtlpRequest::FillPoint(Point& point, LabelValues labels, const OtlpTimes& times) {
  const size_t count = spec_->label_names.size();
  point.mutable_attributes()->Reserve(static_cast<int>(count));
  for (size_t i = 0; i < count; ++i) {
    if (!labels[i].empty()) SetAttribute(*point.add_attributes(), spec_->label_names[i], labels[i]);
  }
  point.set_start_time_unix_nano(static_cast<uint64_t>(times.start_ns));
  point.set_time_unix_nano(static_cast<uint64_t>(times.time_ns));
  ++points_;
}

void OtlpRequest::AddNumber(LabelValues labels, const OtlpTimes& times, const Number& value) {
  metrics::NumberDataPoint& point = spec_->type == MetricType::kGauge
                                        ? *metric_->mutable_gauge()->add_data_points()
                                        : *metric_->mutable_sum()->add_data_points();
  FillPoint(point, labels, times);
  SetNumber(point, value);
  bytes_ += PointBytes(*spec_, labels);
}

void OtlpRequest::AddHistogram(const HistogramSample& sample, const OtlpTimes& times) {
  metrics::HistogramDataPoint& point = *metric_->mutable_histogram()->add_data_points();
  FillPoint(point, sample.labels, times);
  point.mutable_bucket_counts()->Add(sample.counts.begin(), sample.counts.end());
  point.mutable_explicit_bounds()->Add(sample.upper_bounds.begin(), sample.upper_bounds.end());
  point.set_count(std::accumulate(sample.counts.begin(), sample.counts.end(), uint64_t{0}));
  if (HasSum(sample)) point.set_sum(AsDouble(*sample.sum));
  bytes_ += PointBytes(*spec_, sample);
}

// Prometheus ends only those series whose parts the point itself carries, and VictoriaMetrics skips
// a point without buckets: the bounds come once more, with counts and a sum of zero.
void OtlpRequest::AddVanished(const HistogramSample& last, int64_t time_ns) {
  metrics::HistogramDataPoint& point = *metric_->mutable_histogram()->add_data_points();
  FillPoint(point, last.labels, {.time_ns = time_ns});
  point.set_flags(metrics::DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK);
  point.mutable_bucket_counts()->Resize(static_cast<int>(last.counts.size()), 0);
  point.mutable_explicit_bounds()->Add(last.upper_bounds.begin(), last.upper_bounds.end());
  if (HasSum(last)) point.set_sum(0);
  bytes_ += PointBytes(*spec_, last);
}

void OtlpRequest::AddVanished(metrics::NumberDataPoint& point, LabelValues labels,
                              int64_t time_ns) {
  FillPoint(point, labels, {.time_ns = time_ns});
  point.set_flags(metrics::DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK);
  bytes_ += PointBytes(*spec_, labels);
}

void OtlpRequest::AddVanished(const MetricFamily& family, size_t series, int64_t time_ns) {
  switch (spec_->type) {
    case MetricType::kGauge:
      return AddVanished(*metric_->mutable_gauge()->add_data_points(),
                         family.samples[series].labels, time_ns);
    case MetricType::kCounter:
      return AddVanished(*metric_->mutable_sum()->add_data_points(), family.samples[series].labels,
                         time_ns);
    case MetricType::kHistogram:
      return AddVanished(family.histograms[series], time_ns);
  }
}

std::string OtlpRequest::Serialize() const { return request_->SerializeAsString(); }

}  // namespace bpftally
