#include "export/otlp/otlp_decoder.h"

#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <algorithm>

namespace bpftally {
namespace {

namespace metrics = opentelemetry::proto::metrics::v1;
using Request = opentelemetry::proto::collector::metrics::v1::ExportMetricsServiceRequest;

std::map<std::string, std::string> Labels(const auto& attributes) {
  std::map<std::string, std::string> labels;
  for (const auto& attribute : attributes)
    labels[attribute.key()] = attribute.value().string_value();
  return labels;
}

OtlpPoint PointOf(const OtlpMetric& metric, const auto& point) {
  return {.metric = metric,
          .labels = Labels(point.attributes()),
          .start_ns = static_cast<int64_t>(point.start_time_unix_nano()),
          .time_ns = static_cast<int64_t>(point.time_unix_nano()),
          .no_value = (point.flags() & metrics::DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK) != 0,
          .bounds = {},
          .counts = {}};
}

void DecodeNumbers(const OtlpMetric& metric, const auto& points, std::vector<OtlpPoint>& out) {
  for (const metrics::NumberDataPoint& point : points) {
    out.push_back(PointOf(metric, point));
    if (point.has_as_int()) out.back().value = point.as_int();
    if (point.has_as_double()) out.back().value = point.as_double();
  }
}

void DecodeHistograms(const OtlpMetric& metric, const auto& points, std::vector<OtlpPoint>& out) {
  for (const metrics::HistogramDataPoint& point : points) {
    OtlpPoint& decoded = out.emplace_back(PointOf(metric, point));
    decoded.bounds.assign(point.explicit_bounds().begin(), point.explicit_bounds().end());
    decoded.counts.assign(point.bucket_counts().begin(), point.bucket_counts().end());
    if (point.has_sum()) decoded.sum = point.sum();
    decoded.count = point.count();
  }
}

bool IsDelta(const auto& data) {
  return data.aggregation_temporality() == metrics::AGGREGATION_TEMPORALITY_DELTA;
}

void DecodeMetric(const metrics::Metric& data, std::vector<OtlpPoint>& out) {
  OtlpMetric metric{.name = data.name(), .description = data.description(), .unit = data.unit()};
  if (data.has_gauge()) return DecodeNumbers(metric, data.gauge().data_points(), out);
  if (data.has_sum()) {
    metric.type = MetricType::kCounter;
    metric.monotonic = data.sum().is_monotonic();
    metric.delta = IsDelta(data.sum());
    return DecodeNumbers(metric, data.sum().data_points(), out);
  }
  metric.type = MetricType::kHistogram;
  metric.delta = IsDelta(data.histogram());
  DecodeHistograms(metric, data.histogram().data_points(), out);
}

// The parts of a name between underscores.
using Words = std::vector<std::string>;

Words Split(std::string_view name) {
  Words words;
  for (size_t at = 0; at < name.size();) {
    const size_t end = std::min(name.find('_', at), name.size());
    if (end > at) words.emplace_back(name.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::string UnitWord(const std::string& unit) {
  static const std::map<std::string, std::string> kWords = {
      {"s", "seconds"},      {"ms", "milliseconds"}, {"us", "microseconds"},
      {"ns", "nanoseconds"}, {"By", "bytes"},        {"KiBy", "kibibytes"},
      {"%", "percent"},      {"Hz", "hertz"},        {"1", ""}};
  if (unit.find_first_of("{}") != std::string::npos) return "";
  const auto word = kWords.find(unit);
  return word == kWords.end() ? unit : word->second;
}

void Append(Words& words, const std::string& word, UnitCheck check) {
  if (word.empty()) return;
  const bool there = check == UnitCheck::kAnywhere ? std::ranges::find(words, word) != words.end()
                                                   : !words.empty() && words.back() == word;
  if (!there) words.push_back(word);
}

void MoveToEnd(Words& words, const std::string& word) {
  std::erase(words, word);
  words.push_back(word);
}

}  // namespace

std::optional<OtlpRequestContent> DecodeOtlp(const std::string& text) {
  Request request;
  if (!request.ParseFromString(text)) return std::nullopt;
  OtlpRequestContent content;
  for (const auto& all : request.resource_metrics()) {
    content.resource = Labels(all.resource().attributes());
    for (const auto& scope : all.scope_metrics()) {
      content.scope_name = scope.scope().name();
      content.scope_version = scope.scope().version();
      for (const auto& metric : scope.metrics()) DecodeMetric(metric, content.points);
    }
  }
  return content;
}

std::optional<std::vector<OtlpSpan>> DecodeOtlpSpans(const std::string& text) {
  opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest request;
  if (!request.ParseFromString(text)) return std::nullopt;
  std::vector<OtlpSpan> spans;
  for (const auto& all : request.resource_spans()) {
    for (const auto& scope : all.scope_spans()) {
      for (const auto& span : scope.spans()) {
        spans.push_back({.resource = Labels(all.resource().attributes()),
                         .scope_name = scope.scope().name(),
                         .trace_id = span.trace_id(),
                         .span_id = span.span_id(),
                         .parent_span_id = span.parent_span_id(),
                         .name = span.name(),
                         .start_ns = span.start_time_unix_nano(),
                         .end_ns = span.end_time_unix_nano(),
                         .attributes = Labels(span.attributes())});
      }
    }
  }
  return spans;
}

std::string PrometheusName(const OtlpMetric& metric, UnitCheck check) {
  Words words = Split(metric.name);
  // Ignores a sum's own _total behind the unit.
  if (metric.monotonic && check == UnitCheck::kAtEnd && words.back() == "total") words.pop_back();
  Append(words, UnitWord(metric.unit), check);
  if (metric.monotonic) MoveToEnd(words, "total");
  if (metric.unit == "1" && metric.type == MetricType::kGauge) MoveToEnd(words, "ratio");
  std::string name;
  for (const std::string& word : words) name += (name.empty() ? "" : "_") + word;
  return name;
}

}  // namespace bpftally
