#pragma once

// Decodes export requests into plain data, and translates metric names to Prometheus by the
// standard rules.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/metric_batch.h"

namespace bpftally {

struct OtlpMetric {
  std::string name;
  std::string description;
  std::string unit;
  MetricType type = MetricType::kGauge;  // a Sum is a kCounter
  bool monotonic = false;
  bool delta = false;
};

struct OtlpPoint {
  OtlpMetric metric;
  std::map<std::string, std::string> labels;
  int64_t start_ns = 0;
  int64_t time_ns = 0;
  bool no_value = false;
  Number value = int64_t{0};  // int64_t or double, as in the request
  std::vector<double> bounds;
  std::vector<uint64_t> counts;
  std::optional<double> sum;
  uint64_t count = 0;
};

struct OtlpRequestContent {
  std::map<std::string, std::string> resource;
  std::string scope_name;
  std::string scope_version;
  std::vector<OtlpPoint> points;
};

// Empty if the bytes are not a request.
std::optional<OtlpRequestContent> DecodeOtlp(const std::string& request);

struct OtlpSpan {
  std::map<std::string, std::string> resource;
  std::string scope_name;
  std::string trace_id;  // these are bytes
  std::string span_id;
  std::string parent_span_id;
  std::string name;
  uint64_t start_ns = 0;
  uint64_t end_ns = 0;
  std::map<std::string, std::string> attributes;
};

// Empty if the bytes are not a request.
std::optional<std::vector<OtlpSpan>> DecodeOtlpSpans(const std::string& request);

// Place in a name where translators search for the unit's word before they append it.
enum class UnitCheck { kAnywhere, kAtEnd };

std::string PrometheusName(const OtlpMetric& metric, UnitCheck check);

}  // namespace bpftally
