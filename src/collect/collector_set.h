#pragma once

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "collect/collector.h"

namespace bpftally {

// State of one collector, for the landing page.
struct CollectorReport {
  std::string_view name;
  std::string_view help;
  std::optional<bool> success;  // of the latest run; empty before the first
  double seconds = 0;           // of the latest run
  std::string error;            // of the latest run that failed; empty if none did
};

// Runs collectors so that a failing one never hides another, and reports the state of each as
// metrics and in the log (there on a change of state only).
class CollectorSet {
 public:
  // The options are those that the collectors were made with. `clock` must outlive the set.
  CollectorSet(std::vector<std::unique_ptr<Collector>> collectors, const CollectOptions& options,
               const Clock& clock);

  // One thread at a time. Collectors that read something themselves end by `deadline`.
  void Collect(const Snapshot& snapshot, MetricBatch& batch,
               std::chrono::steady_clock::time_point deadline =
                   std::chrono::steady_clock::time_point::max());

  // Reports every collector as failed, for a poll whose snapshot did not come in time. From any
  // thread.
  void CollectNothing(MetricBatch& batch) const;

  // From any thread.
  std::vector<CollectorReport> Reports() const;

 private:
  void Run(size_t index, const CensusView& view, MetricBatch& batch);
  void AddOutcomes(MetricBatch& batch) const;
  void AddTotals(const Snapshot& snapshot, MetricBatch& batch) const;

  std::vector<std::unique_ptr<Collector>> collectors_;
  CensusViewBuilder views_;
  const Clock& clock_;
  std::map<std::pair<std::string_view, ErrorKind>, uint64_t> errors_;  // by collector and reason
  std::array<uint64_t, kObjectKinds.size()> vanished_{};               // by ObjectKind
  mutable std::mutex mutex_;
  std::vector<CollectorReport> reports_;  // one for each collector; under mutex_
};

}  // namespace bpftally
