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
class ScopeMetrics;
}  // namespace opentelemetry::proto::metrics::v1

namespace bpftally {

// When a point's value was, and since when it counts; 0: not said.
struct OtlpTimes {
  int64_t start_ns = 0;
  int64_t time_ns = 0;
};

// One ExportMetricsServiceRequest being filled. Its size is known all along, so that none is made
// to find out that it is too large.
class OtlpRequest {
 public:
  OtlpRequest(const OtlpAttributes& resource, const std::string& scope_version);
  ~OtlpRequest();
  OtlpRequest(const OtlpRequest&) = delete;
  OtlpRequest& operator=(const OtlpRequest&) = delete;

  size_t points() const { return points_; }
  size_t bytes() const { return bytes_; }  // serialized, and at most so many

  // By how much at most a metric without points, and a point, make it larger.
  static size_t MetricBytes(const FamilySpec& spec);
  static size_t PointBytes(const FamilySpec& spec, LabelValues labels);
  static size_t PointBytes(const FamilySpec& spec, const HistogramSample& sample);

  // The points that follow are of this family, which must live as long. `delta` is of sums that are
  // monotonic, and of histograms.
  void StartMetric(const FamilySpec& spec, bool delta);
  void AddNumber(LabelValues labels, const OtlpTimes& times, const Number& value);
  void AddHistogram(const HistogramSample& sample, const OtlpTimes& times);
  void AddVanished(LabelValues labels, int64_t time_ns);

  std::string Serialize() const;

 private:
  template <typename Point>
  void FillPoint(Point& point, LabelValues labels, const OtlpTimes& times);
  void AddNoValue(auto& point, LabelValues labels, int64_t time_ns);

  std::unique_ptr<google::protobuf::Arena> arena_;  // owns the messages
  opentelemetry::proto::collector::metrics::v1::ExportMetricsServiceRequest* request_;
  opentelemetry::proto::metrics::v1::ScopeMetrics* scope_;
  opentelemetry::proto::metrics::v1::Metric* metric_ = nullptr;
  const FamilySpec* spec_ = nullptr;
  size_t points_ = 0;
  size_t bytes_ = 0;
};

}  // namespace bpftally
