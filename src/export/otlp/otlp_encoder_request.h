#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "export/otlp/otlp_options.h"
#include "model/metric_batch.h"

namespace google::protobuf {
class Arena;
}
namespace opentelemetry::proto::collector::metrics::v1 {
class ExportMetricsServiceRequest;
}
namespace opentelemetry::proto::metrics::v1 {
class Metric;
class NumberDataPoint;
class ScopeMetrics;
}  // namespace opentelemetry::proto::metrics::v1

namespace bpftally {

// Time of a point's value and start of its counting; 0: not set.
struct OtlpTimes {
  int64_t start_ns = 0;
  int64_t time_ns = 0;
};

// One ExportMetricsServiceRequest that is being filled. Its size is known at any time, so that no
// request is built only to find it too large.
class OtlpRequest {
 public:
  OtlpRequest(const OtlpAttributes& resource, const std::string& scope_version);
  ~OtlpRequest();
  OtlpRequest(const OtlpRequest&) = delete;
  OtlpRequest& operator=(const OtlpRequest&) = delete;

  size_t points() const { return points_; }
  size_t bytes() const { return bytes_; }  // upper limit of the serialized size

  // Upper limits of the bytes that a metric without points, and a point, add to the request.
  static size_t MetricBytes(const FamilySpec& spec);
  static size_t PointBytes(const FamilySpec& spec, LabelValues labels);
  static size_t PointBytes(const FamilySpec& spec, const HistogramSample& sample);

  // Starts a metric for the points that follow. `spec` must outlive the request. `delta` applies to
  // monotonic sums and to histograms.
  void StartMetric(const FamilySpec& spec, bool delta);
  void AddNumber(LabelValues labels, const OtlpTimes& times, const Number& value);
  void AddHistogram(const HistogramSample& sample, const OtlpTimes& times);
  // Ends this series of a family as it was acknowledged.
  void AddVanished(const MetricFamily& family, size_t series, int64_t time_ns);

  std::string Serialize() const;

 private:
  template <typename Point>
  void FillPoint(Point& point, LabelValues labels, const OtlpTimes& times);
  void AddVanished(opentelemetry::proto::metrics::v1::NumberDataPoint& point, LabelValues labels,
                   int64_t time_ns);
  void AddVanished(const HistogramSample& last, int64_t time_ns);

  std::unique_ptr<google::protobuf::Arena> arena_;  // owns the messages
  opentelemetry::proto::collector::metrics::v1::ExportMetricsServiceRequest* request_;
  opentelemetry::proto::metrics::v1::ScopeMetrics* scope_;
  opentelemetry::proto::metrics::v1::Metric* metric_ = nullptr;
  const FamilySpec* spec_ = nullptr;
  size_t points_ = 0;
  size_t bytes_ = 0;
};

}  // namespace bpftally
