#pragma once

#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "export/otlp/otlp_decoder.h"
#include "export/otlp/otlp_transport.h"
#include "model/metric_batch.h"

namespace bpftally::testing {

// Makes one gauge "test_points" with `points` series of the same value.
inline std::shared_ptr<const MetricBatch> BatchOf(size_t points, int64_t value) {
  auto batch = std::make_shared<MetricBatch>();
  batch->collected_at_ns = value;
  MetricFamily& family =
      batch->Add({"test_points", "Points.", MetricType::kGauge, "", {"series"}}, "test", points);
  for (size_t i = 0; i < points; ++i)
    family.samples.push_back({batch->Labels({batch->InternNumber(i)}), value});
  return batch;
}

// Returns the values of all points in a request, except for those of vanished series.
inline std::vector<int64_t> ValuesOf(const std::string& request) {
  opentelemetry::proto::collector::metrics::v1::ExportMetricsServiceRequest message;
  std::vector<int64_t> values;
  if (!message.ParseFromString(request)) return values;
  for (const auto& resource : message.resource_metrics()) {
    for (const auto& scope : resource.scope_metrics()) {
      for (const auto& metric : scope.metrics()) {
        for (const auto& point : metric.gauge().data_points()) {
          if (point.flags() == 0) values.push_back(point.as_int());
        }
      }
    }
  }
  return values;
}

// Answers for FakeTransports, and a record of their calls. Outlives them.
class TransportScript {
 public:
  struct Call {
    std::vector<int64_t> values;
    std::vector<std::string> spans;  // names of the spans
    std::chrono::steady_clock::time_point deadline;
  };

  // Adds the next answer. When there is none left, the answer is that of Always(), "accepted" by
  // default.
  void Then(OtlpReply reply) {
    const std::lock_guard lock(mutex_);
    replies_.push_back(std::move(reply));
  }
  void Always(OtlpReply reply) {
    const std::lock_guard lock(mutex_);
    always_ = std::move(reply);
  }
  void AlwaysToMetrics(OtlpReply reply) {
    const std::lock_guard lock(mutex_);
    always_to_metrics_ = std::move(reply);
  }
  // Answers "too large" to requests with more points.
  void AtMost(size_t points) {
    const std::lock_guard lock(mutex_);
    at_most_ = points;
  }
  void Hang() {  // until cancelled, or until the deadline
    const std::lock_guard lock(mutex_);
    hang_ = true;
  }

  std::vector<Call> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

  OtlpReply Answer(OtlpSignal signal, const std::string& request,
                   std::chrono::steady_clock::time_point deadline, const std::stop_token& cancel) {
    std::unique_lock lock(mutex_);
    Call& call = calls_.emplace_back(Call{.values = {}, .spans = {}, .deadline = deadline});
    if (signal == OtlpSignal::kMetrics) {
      call.values = ValuesOf(request);
    } else {
      const auto spans = DecodeOtlpSpans(request);
      for (const OtlpSpan& span : *spans) call.spans.push_back(span.name);
    }
    if (hang_) {
      hanging_.wait_until(lock, cancel, deadline, [] { return false; });
      return {.outcome = OtlpReply::Outcome::kRetry, .message = "hangs"};
    }
    if (std::max(call.values.size(), call.spans.size()) > at_most_)
      return {.outcome = OtlpReply::Outcome::kTooLarge, .message = "too large"};
    if (signal == OtlpSignal::kMetrics && always_to_metrics_) return *always_to_metrics_;
    if (replies_.empty()) return always_;
    OtlpReply reply = replies_.front();
    replies_.pop_front();
    return reply;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any hanging_;
  std::deque<OtlpReply> replies_;
  OtlpReply always_{.outcome = OtlpReply::Outcome::kAccepted};
  std::optional<OtlpReply> always_to_metrics_;
  size_t at_most_ = SIZE_MAX;
  bool hang_ = false;
  std::vector<Call> calls_;
};

class FakeTransport final : public OtlpTransport {
 public:
  explicit FakeTransport(TransportScript& script) : script_(script) {}
  OtlpReply Send(OtlpSignal signal, std::string request,
                 std::chrono::steady_clock::time_point deadline, std::stop_token cancel) override {
    return script_.Answer(signal, request, deadline, cancel);
  }

 private:
  TransportScript& script_;
};

}  // namespace bpftally::testing
