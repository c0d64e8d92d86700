#pragma once

#include <cstddef>
#include <string>

namespace bpftally {

struct CollectOptions {
  // --type-labels=number: types of maps and links as the kernel's numbers
  bool type_labels_as_numbers = false;
  // --size-metrics=gauge: the seven sizes without _total, as gauges
  bool size_metrics_as_gauges = false;
  // --compat=bpf-metrics-exporter: its eleven metrics in place of ours
  bool compat = false;
  // --hide-self: our own objects are left out of the per-object series
  bool hide_self = false;
  // --collector.program-maps: bpf_program_map_info
  bool program_maps = false;
  // --max-objects: per-object series of a kind; the rest only in the aggregates
  size_t max_objects = 1000;
  // --run-stats: bpftally itself keeps run statistics on
  bool run_stats = false;
  // of the library that the kernel layer runs on
  std::string libbpf_version = {};
};

}  // namespace bpftally
