#include "collect/collector_set.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <exception>

#include "collect/object_families.h"

namespace bpftally {
namespace {

// Owned by no collector, so `collect[]` never filters them out.
constexpr std::string_view kOwner;

MetricFamily& AddSuccess(MetricBatch& batch) {
  return batch.Add({"bpftally_collector_success",
                    "Whether the collector's metrics are complete (1) or something is missing (0).",
                    MetricType::kGauge,
                    "",
                    {"collector"}},
                   kOwner);
}

Result<void> CollectGuarded(Collector& collector, const CensusView& view, MetricBatch& batch) {
  try {
    return collector.Collect(view, batch);
  } catch (const std::exception& exception) {
    return std::unexpected(Error{ErrorKind::kInternal, 0, exception.what()});
  } catch (...) {
    return std::unexpected(Error{ErrorKind::kInternal, 0, "an exception of unknown type"});
  }
}

}  // namespace

CollectorSet::CollectorSet(std::vector<std::unique_ptr<Collector>> collectors,
                           const CollectOptions& options, const Clock& clock)
    : collectors_(std::move(collectors)), views_(options), clock_(clock) {
  for (const auto& collector : collectors_)
    reports_.push_back(
        {.name = collector->name(), .help = collector->help(), .success = {}, .error = {}});
}

void CollectorSet::Collect(const Snapshot& snapshot, MetricBatch& batch,
                           std::chrono::steady_clock::time_point deadline) {
  batch.collected_at_ns = clock_.WallNanoseconds();  // not the snapshot's: a replay's is old
  const CensusView view = views_.Build(snapshot, deadline);
  for (size_t i = 0; i < collectors_.size(); ++i) Run(i, view, batch);
  for (const ObjectKind kind : kObjectKinds)
    vanished_[static_cast<size_t>(kind)] += snapshot.StatusOf(kind).vanished;
  AddOutcomes(batch);
  AddTotals(snapshot, batch);
}

void CollectorSet::Run(size_t index, const CensusView& view, MetricBatch& batch) {
  const auto start = clock_.Now();
  const Result<void> result = CollectGuarded(*collectors_[index], view, batch);
  const std::chrono::duration<double> duration = clock_.Now() - start;

  const std::lock_guard lock(mutex_);
  CollectorReport& report = reports_[index];
  const bool failed_before = report.success == false;
  if (result && failed_before) spdlog::info("collector {} works again", report.name);
  if (!result && !failed_before)
    spdlog::warn("collector {} fails: {}", report.name, result.error().message);
  report.success = result.has_value();
  report.seconds = duration.count();
  if (!result) {
    report.error = result.error().message;
    ++errors_[{report.name, result.error().kind}];
  }
}

void CollectorSet::CollectNothing(MetricBatch& batch) const {
  MetricFamily& success = AddSuccess(batch);
  for (const auto& collector : collectors_)
    success.samples.push_back({batch.Labels({collector->name()}), uint64_t{0}});
}

std::vector<CollectorReport> CollectorSet::Reports() const {
  const std::lock_guard lock(mutex_);
  return reports_;
}

void CollectorSet::AddOutcomes(MetricBatch& batch) const {
  MetricFamily& success = AddSuccess(batch);
  MetricFamily& duration = batch.Add({"bpftally_collector_duration_seconds",
                                      "Time that the collector took at the latest poll.",
                                      MetricType::kGauge,
                                      "s",
                                      {"collector"}},
                                     kOwner, reports_.size());
  for (const CollectorReport& report : reports_) {
    const LabelValues labels = batch.Labels({report.name});
    success.samples.push_back({labels, uint64_t{report.success.value_or(false) ? 1U : 0U}});
    duration.samples.push_back({labels, report.seconds});
  }
}

void CollectorSet::AddTotals(const Snapshot& snapshot, MetricBatch& batch) const {
  MetricFamily& errors = batch.Add({"bpftally_collect_errors_total",
                                    "Polls at which the collector failed, by the kind of error.",
                                    MetricType::kCounter,
                                    "{error}",
                                    {"collector", "reason"}},
                                   kOwner, errors_.size());
  for (const auto& [key, count] : errors_)
    errors.samples.push_back(
        {batch.Labels({key.first, ErrorKindName(key.second)}), count, ProcessStart(snapshot)});
  MetricFamily& vanished =
      batch.Add({"bpftally_objects_vanished_total",
                 "Objects that were gone between being listed and being read, which is normal.",
                 MetricType::kCounter,
                 "{object}",
                 {"kind"}},
                kOwner, kObjectKinds.size());
  for (const ObjectKind kind : kObjectKinds)
    vanished.samples.push_back({batch.Labels({ObjectKindName(kind)}),
                                vanished_[static_cast<size_t>(kind)], ProcessStart(snapshot)});
}

}  // namespace bpftally
