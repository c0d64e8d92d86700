#include "export/prometheus/collectable.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>

#include <limits>
#include <utility>
#include <variant>

namespace bpftally {
namespace {

using prometheus::ClientMetric;

double ToDouble(const Number& number) {
  return std::visit([](auto value) { return static_cast<double>(value); }, number);
}

prometheus::MetricType ToPrometheusType(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return prometheus::MetricType::Counter;
    case MetricType::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricType::kHistogram:
      break;
  }
  return prometheus::MetricType::Histogram;
}

ClientMetric WithLabels(const FamilySpec& spec, LabelValues values) {
  ClientMetric metric;
  metric.label.reserve(spec.label_names.size());
  for (size_t i = 0; i < spec.label_names.size(); ++i) {
    metric.label.push_back({spec.label_names[i], std::string(values[i])});
  }
  return metric;
}

ClientMetric ToMetric(const FamilySpec& spec, const Sample& sample) {
  ClientMetric metric = WithLabels(spec, sample.labels);
  const double value = ToDouble(sample.value);
  if (spec.type == MetricType::kCounter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return metric;
}

ClientMetric ToMetric(const FamilySpec& spec, const HistogramSample& sample) {
  ClientMetric metric = WithLabels(spec, sample.labels);
  ClientMetric::Histogram& histogram = metric.histogram;
  for (size_t i = 0; i < sample.counts.size(); ++i) {
    histogram.sample_count += sample.counts[i];
    const double bound = i < sample.upper_bounds.size() ? sample.upper_bounds[i]
                                                        : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({histogram.sample_count, bound});
  }
  // The sum is not optional there, and a zero would look like a measured sum.
  histogram.sample_sum =
      sample.sum ? ToDouble(*sample.sum) : std::numeric_limits<double>::quiet_NaN();
  return metric;
}

prometheus::MetricFamily ToFamily(const MetricFamily& family) {
  const FamilySpec& spec = family.spec;
  prometheus::MetricFamily result;
  result.name = spec.name;
  result.help = spec.help;
  result.type = ToPrometheusType(spec.type);
  result.metric.reserve(family.samples.size() + family.histograms.size());
  for (const Sample& sample : family.samples) result.metric.push_back(ToMetric(spec, sample));
  for (const HistogramSample& sample : family.histograms) {
    result.metric.push_back(ToMetric(spec, sample));
  }
  return result;
}

}  // namespace

std::vector<prometheus::MetricFamily> ToPrometheusFamilies(const MetricBatch& batch) {
  std::vector<prometheus::MetricFamily> families;
  families.reserve(batch.families().size());
  for (const MetricFamily& family : batch.families()) {
    if (family.samples.empty() && family.histograms.empty()) continue;
    families.push_back(ToFamily(family));
  }
  return families;
}

}  // namespace bpftally
