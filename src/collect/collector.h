#pragma once

// How to add one: a class in a file of its own here, a row in collectors.cc, its metrics in
// README.md. It sees the snapshot only, never the kernel; what the snapshot does not know it leaves
// out.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/metric_batch.h"
#include "model/snapshot.h"

namespace bpftally {

struct CollectOptions {
  bool type_labels_as_numbers =
      false;  // --type-labels=number: maps and links by the kernel's number
  bool size_metrics_as_gauges =
      false;                  // --size-metrics=gauge: the seven sizes without _total, as gauges
  bool compat = false;        // --compat=bpf-metrics-exporter: its eleven metrics in place of ours
  bool hide_self = false;     // --hide-self: our own objects are left out of the per-object series
  bool program_maps = false;  // --collector.program-maps: bpf_program_map_info
  size_t max_objects =
      1000;  // --max-objects: per-object series of a kind; the rest only in the aggregates
  bool run_stats = false;           // --run-stats: bpftally itself keeps run statistics on
  std::string libbpf_version = {};  // of the library that the kernel layer runs on
};

class Collector {
 public:
  virtual ~Collector() = default;
  virtual std::string_view name()
      const = 0;  // static storage: the `collector` label, --collector.<name>, collect[]
  virtual std::string_view help() const = 0;  // one line for --help and the landing page
  // Adds this collector's families. An error says why they are not whole; what was added before it
  // is still served.
  virtual Result<void> Collect(const Snapshot& snapshot, MetricBatch& batch) = 0;
  // The same, for those that read something themselves: they end by `deadline`.
  virtual Result<void> CollectBy(std::chrono::steady_clock::time_point /*deadline*/,
                                 const Snapshot& snapshot, MetricBatch& batch) {
    return Collect(snapshot, batch);
  }
};

// Every collector of the introspection half, in the order of the exposition. The one explicit list.
std::vector<std::unique_ptr<Collector>> MakeCollectors(const CollectOptions& options);

}  // namespace bpftally
