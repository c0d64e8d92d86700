#include "daemon/otlp_collector.h"

#include <string>
#include <utility>

#include "collect/object_families.h"

namespace bpftally {
namespace {

using StatsList = std::vector<OtlpEndpointStats>;

class OtlpCollector final : public Collector {
 public:
  explicit OtlpCollector(std::function<StatsList()> stats) : stats_(std::move(stats)) {}

  std::string_view name() const override { return "otlp"; }
  std::string_view help() const override {
    return "Successes and failures of the pushes over OTLP.";
  }

  Result<void> Collect(const Snapshot& snapshot, MetricBatch& batch) override {
    const StatsList endpoints = stats_();
    const int64_t start = ProcessStart(snapshot);
    AddExports(endpoints, start, batch);
    AddPoints(endpoints, start, batch);
    AddSpans(endpoints, start, batch);
    AddLatest(endpoints, batch);
    return {};
  }

 private:
  void AddExports(const StatsList& endpoints, int64_t start, MetricBatch& batch) const {
    MetricFamily& family = batch.Add({"bpftally_otlp_exports_total",
                                      "Pushes of all metrics to an OTLP endpoint.",
                                      MetricType::kCounter,
                                      "{export}",
                                      {"endpoint", "outcome"}},
                                     name(), endpoints.size() * 2);
    for (const OtlpEndpointStats& stats : endpoints) {
      const std::string_view endpoint = batch.Intern(stats.endpoint);
      family.samples.push_back({batch.Labels({endpoint, "success"}), stats.succeeded, start});
      family.samples.push_back({batch.Labels({endpoint, "failure"}), stats.failed, start});
    }
  }

  void AddPoints(const StatsList& endpoints, int64_t start, MetricBatch& batch) const {
    MetricFamily& family = batch.Add(
        {"bpftally_otlp_points_total",
         "Data points that the endpoint accepted or rejected, or that were dropped before.",
         MetricType::kCounter,
         "{point}",
         {"endpoint", "outcome"}},
        name(), endpoints.size() * 3);
    for (const OtlpEndpointStats& stats : endpoints) {
      const std::string_view endpoint = batch.Intern(stats.endpoint);
      family.samples.push_back(
          {batch.Labels({endpoint, "accepted"}), stats.points_accepted, start});
      family.samples.push_back(
          {batch.Labels({endpoint, "rejected"}), stats.points_rejected, start});
      family.samples.push_back({batch.Labels({endpoint, "dropped"}), stats.points_dropped, start});
    }
  }

  void AddSpans(const StatsList& endpoints, int64_t start, MetricBatch& batch) const {
    MetricFamily& family =
        batch.Add({"bpftally_otlp_spans_total",
                   "Spans that the endpoint accepted or rejected, or that were dropped before.",
                   MetricType::kCounter,
                   "{span}",
                   {"endpoint", "outcome"}},
                  name(), endpoints.size() * 3);
    for (const OtlpEndpointStats& stats : endpoints) {
      const std::string_view endpoint = batch.Intern(stats.endpoint);
      family.samples.push_back({batch.Labels({endpoint, "accepted"}), stats.spans_accepted, start});
      family.samples.push_back({batch.Labels({endpoint, "rejected"}), stats.spans_rejected, start});
      family.samples.push_back({batch.Labels({endpoint, "dropped"}), stats.spans_dropped, start});
    }
  }

  void AddLatest(const StatsList& endpoints, MetricBatch& batch) const {
    const auto add = [&](const char* metric, const char* help, const char* unit) -> MetricFamily& {
      return batch.Add({metric, help, MetricType::kGauge, unit, {"endpoint"}}, name(),
                       endpoints.size());
    };
    MetricFamily& up = add("bpftally_otlp_up",
                           "1: the latest push was acknowledged as a whole; 0: it was not.", "");
    MetricFamily& duration =
        add("bpftally_otlp_export_duration_seconds", "How long the latest push took.", "s");
    MetricFamily& success =
        add("bpftally_otlp_last_success_timestamp_seconds",
            "When a push was last acknowledged as a whole, in seconds since the epoch.", "s");
    for (const OtlpEndpointStats& stats : endpoints) {
      const LabelValues labels = batch.Labels({batch.Intern(stats.endpoint)});
      if (stats.up) up.samples.push_back({labels, uint64_t{*stats.up ? 1U : 0U}});
      if (stats.duration_seconds) duration.samples.push_back({labels, *stats.duration_seconds});
      if (stats.last_success_seconds)
        success.samples.push_back({labels, *stats.last_success_seconds});
    }
  }

  const std::function<StatsList()> stats_;
};

}  // namespace

std::unique_ptr<Collector> MakeOtlpCollector(
    std::function<std::vector<OtlpEndpointStats>()> stats) {
  return std::make_unique<OtlpCollector>(std::move(stats));
}

}  // namespace bpftally
