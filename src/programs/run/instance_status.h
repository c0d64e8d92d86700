#pragma once

// State of metric programs as plain data: metrics, pages and lists are made from it, and none of
// them reaches into what runs.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "programs/load/loaded_object.h"
#include "programs/plan/plan.h"

namespace bpftally {

enum class InstanceState {
  kLoading,  // in the kernel, but not started
  kRunning,
  kDegraded,  // runs in part: a function or a metric is missing
  kFailed,    // nothing of it runs
  kStopping,  // removed; a poll still uses it
};

std::string_view InstanceStateName(InstanceState state);

struct MetricStatus {
  std::string name;
  int64_t since_ns = 0;          // wall clock: start of the counters below
  std::optional<Error> problem;  // why the latest poll did not have it

  // Results of the latest poll.
  double seconds = 0;
  uint64_t entries = 0;

  // Sums over all polls.
  std::map<ErrorKind, uint64_t> missing;  // polls that did not have it
  uint64_t unwanted = 0;
  uint64_t over_limit = 0;
  uint64_t duplicates = 0;

  // Events lost, if the metric counts events.
  std::optional<uint64_t> lost_events;
  uint64_t undecodable_events = 0;
};

struct SpansStatus {
  std::string name;
  int64_t since_ns = 0;  // wall clock
  uint64_t made = 0;
  uint64_t dropped = 0;
};

// State of one function of the object in the kernel.
struct FunctionStatus {
  AttachStatus attach;
  std::optional<ProgramRunStats> run_stats;  // empty if the kernel does not count them
};

struct InstanceStatus {
  std::string name;
  std::string file;
  InstanceState state = InstanceState::kLoading;
  std::string problem;       // the first thing that does not run, and why; empty: all runs
  int64_t loaded_at_ns = 0;  // wall clock
  std::vector<FunctionPlan> wanted;
  std::vector<FunctionStatus> functions;  // in the object's order; empty if it has failed
  std::vector<MetricStatus> metrics;      // in the configuration's order
  std::vector<SpansStatus> spans;
  uint64_t decoder_errors = 0;
  SelfMetrics self;
};

// Message about a change, for the caller to log.
struct Notice {
  enum class Severity { kInfo, kWarning, kError };
  Severity severity = Severity::kWarning;
  std::string text;
};
using Notices = std::vector<Notice>;

}  // namespace bpftally
