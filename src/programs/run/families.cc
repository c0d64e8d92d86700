#include "programs/run/families.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "programs/plan/self_metrics.h"

namespace bpftally {
namespace {

using Programs = std::span<const InstanceStatus>;

MetricFamily& Add(MetricBatch& batch, MetricType type, std::string name, std::string help,
                  std::vector<std::string> labels, std::string unit = "") {
  return batch.Add({std::move(name), std::move(help), type, std::move(unit), std::move(labels)},
                   kMetricPrograms);
}

// Collects the families that formats have under prefixes of their own; those of one name become
// one.
class SelfFamilies {
 public:
  SelfFamilies(Programs programs, MetricBatch& batch) : programs_(programs), batch_(batch) {}

  struct Shape {
    std::string_view name;  // without the prefix
    std::string help;
    MetricType type;
    std::vector<std::string> labels;
    std::string unit = "";
  };

  // Has `fill` add the samples of each program to the family of its format.
  void Add(const Shape& shape,
           const std::function<void(const InstanceStatus&, MetricFamily&)>& fill) {
    std::map<std::string_view, MetricFamily*> families;
    for (const InstanceStatus& program : programs_) {
      const std::string& prefix = program.self.prefix;
      if (prefix.empty()) continue;
      MetricFamily*& family = families[prefix];
      if (family == nullptr)
        family = &bpftally::Add(batch_, shape.type, prefix + std::string(shape.name), shape.help,
                                shape.labels, shape.unit);
      fill(program, *family);
    }
  }

  // Has `fill` add the samples of each function in the kernel.
  void AddFunctions(const Shape& shape,
                    const std::function<void(const InstanceStatus&, const FunctionStatus&,
                                             MetricFamily&)>& fill) {
    Add(shape, [&](const InstanceStatus& program, MetricFamily& family) {
      for (const FunctionStatus& function : program.functions)
        if (function.attach.id != 0) fill(program, function, family);
    });
  }

 private:
  Programs programs_;
  MetricBatch& batch_;
};

void AddFunctionFamilies(SelfFamilies& families, MetricBatch& batch) {
  families.AddFunctions(
      {kProgramInfo,
       "Info about ebpf programs",
       MetricType::kGauge,
       {"config", "id", "program", "tag"}},
      [&](const InstanceStatus& program, const FunctionStatus& function, MetricFamily& family) {
        family.samples.push_back(
            {batch.Labels({batch.Intern(program.name), batch.InternNumber(function.attach.id),
                           batch.Intern(function.attach.program),
                           batch.Intern(function.attach.tag)}),
             uint64_t{1}});
      });
  families.AddFunctions(
      {kProgramAttached, "Whether a program is attached", MetricType::kGauge, {"id"}},
      [&](const InstanceStatus&, const FunctionStatus& function, MetricFamily& family) {
        family.samples.push_back({batch.Labels({batch.InternNumber(function.attach.id)}),
                                  uint64_t{function.attach.attached ? 1U : 0U}});
      });
}

void AddRunStats(SelfFamilies& families, MetricBatch& batch) {
  families.AddFunctions(
      {kProgramRunTime,
       "How long has the program been executing",
       MetricType::kCounter,
       {"id"},
       "s"},
      [&](const InstanceStatus& program, const FunctionStatus& function, MetricFamily& family) {
        constexpr double kSecond = 1e9;
        if (!function.run_stats) return;
        family.samples.push_back({batch.Labels({batch.InternNumber(function.attach.id)}),
                                  static_cast<double>(function.run_stats->run_time_ns) / kSecond,
                                  program.loaded_at_ns});
      });
  families.AddFunctions(
      {kProgramRunCount,
       "How many times has the program been executed",
       MetricType::kCounter,
       {"id"},
       "{run}"},
      [&](const InstanceStatus& program, const FunctionStatus& function, MetricFamily& family) {
        if (!function.run_stats) return;
        family.samples.push_back({batch.Labels({batch.InternNumber(function.attach.id)}),
                                  function.run_stats->run_count, program.loaded_at_ns});
      });
}

bool IsAttached(const InstanceStatus& program, const FunctionPlan& wanted) {
  return std::ranges::any_of(program.functions, [&](const FunctionStatus& function) {
    return function.attach.program == wanted.name && function.attach.attached;
  });
}

void AddStates(Programs programs, MetricBatch& batch) {
  MetricFamily& success =
      Add(batch, MetricType::kGauge, "bpftally_program_config_success",
          "1: the configuration runs; 0: the kernel refused its object.", {"config"});
  MetricFamily& attached =
      Add(batch, MetricType::kGauge, "bpftally_program_attached",
          "1: the program of this section is loaded and attached; 0: not, the log says why.",
          {"config", "program", "section"});
  for (const InstanceStatus& program : programs) {
    const std::string_view config = batch.Intern(program.name);
    const bool runs = program.state != InstanceState::kFailed;
    success.samples.push_back({batch.Labels({config}), uint64_t{runs ? 1U : 0U}});
    for (const FunctionPlan& wanted : program.wanted) {
      attached.samples.push_back(
          {batch.Labels({config, batch.Intern(wanted.name), batch.Intern(wanted.section)}),
           uint64_t{IsAttached(program, wanted) ? 1U : 0U}});
    }
  }
}

// Makes the labels "config" and "metric", and those in `more`.
LabelValues MetricLabels(MetricBatch& batch, const InstanceStatus& program,
                         const MetricStatus& metric, std::string_view reason = {}) {
  const std::string_view config = batch.Intern(program.name);
  const std::string_view name = batch.Intern(metric.name);
  if (reason.empty()) return batch.Labels({config, name});
  return batch.Labels({config, name, reason});
}

void ForEachMetric(Programs programs,
                   const std::function<void(const InstanceStatus&, const MetricStatus&)>& visit) {
  for (const InstanceStatus& program : programs)
    for (const MetricStatus& metric : program.metrics) visit(program, metric);
}

void AddLatestPoll(Programs programs, MetricBatch& batch) {
  MetricFamily& duration =
      Add(batch, MetricType::kGauge, "bpftally_program_metric_duration_seconds",
          "How long reading and decoding the metric took. Metrics of one map are read at once: the "
          "first has the time of all.",
          {"config", "metric"}, "s");
  MetricFamily& entries =
      Add(batch, MetricType::kGauge, "bpftally_program_metric_entries",
          "Entries of the metric's map that were read.", {"config", "metric"}, "{entry}");
  ForEachMetric(programs, [&](const InstanceStatus& program, const MetricStatus& metric) {
    const LabelValues labels = MetricLabels(batch, program, metric);
    duration.samples.push_back({labels, metric.seconds});
    entries.samples.push_back({labels, metric.entries});
  });
}

void AddMissing(Programs programs, MetricBatch& batch) {
  MetricFamily& missing = Add(batch, MetricType::kCounter, "bpftally_program_metric_missing_total",
                              "Polls without the metric, by the kind of error.",
                              {"config", "metric", "reason"}, "{poll}");
  ForEachMetric(programs, [&](const InstanceStatus& program, const MetricStatus& metric) {
    for (const auto& [kind, count] : metric.missing)
      missing.samples.push_back(
          {MetricLabels(batch, program, metric, ErrorKindName(kind)), count, metric.since_ns});
  });
}

void AddDropped(Programs programs, MetricBatch& batch) {
  MetricFamily& dropped =
      Add(batch, MetricType::kCounter, "bpftally_program_series_dropped_total",
          "Entries and series left out, summed over polls: unwanted (a decoder drops them), limit "
          "(one too many), duplicate (another configuration has the same).",
          {"config", "metric", "reason"}, "{series}");
  ForEachMetric(programs, [&](const InstanceStatus& program, const MetricStatus& metric) {
    for (const auto& [reason, count] :
         {std::pair<std::string_view, uint64_t>{"unwanted", metric.unwanted},
          {"limit", metric.over_limit},
          {"duplicate", metric.duplicates}}) {
      if (count > 0)
        dropped.samples.push_back(
            {MetricLabels(batch, program, metric, reason), count, metric.since_ns});
    }
  });
}

void AddLostEvents(Programs programs, MetricBatch& batch) {
  MetricFamily& lost =
      Add(batch, MetricType::kCounter, "bpftally_program_events_lost_total",
          "Events that the kernel had no room for.", {"config", "metric"}, "{event}");
  ForEachMetric(programs, [&](const InstanceStatus& program, const MetricStatus& metric) {
    if (metric.lost_events)
      lost.samples.push_back(
          {MetricLabels(batch, program, metric), *metric.lost_events, metric.since_ns});
  });
}

// Adds up spans of one name from two ring buffers of one configuration.
void AddSpans(Programs programs, MetricBatch& batch) {
  MetricFamily& made = Add(batch, MetricType::kCounter, "bpftally_program_spans_total",
                           "Spans made of events.", {"config", "span"}, "{span}");
  MetricFamily& dropped =
      Add(batch, MetricType::kCounter, "bpftally_program_spans_dropped_total",
          "Spans dropped since too many waited for their export.", {"config", "span"}, "{span}");
  for (const InstanceStatus& program : programs) {
    std::map<std::string_view, SpansStatus> sums;
    for (const SpansStatus& spans : program.spans) {
      SpansStatus& sum = sums[spans.name];
      sum.made += spans.made;
      sum.dropped += spans.dropped;
      sum.since_ns = std::max(sum.since_ns, spans.since_ns);
    }
    for (const auto& [name, sum] : sums) {
      const LabelValues labels = batch.Labels({batch.Intern(program.name), batch.Intern(name)});
      made.samples.push_back({labels, sum.made, sum.since_ns});
      dropped.samples.push_back({labels, sum.dropped, sum.since_ns});
    }
  }
}

}  // namespace

void AddSelfFamilies(Programs programs, bool run_stats, MetricBatch& batch) {
  SelfFamilies families(programs, batch);
  families.Add(
      {kEnabledConfigs, "The set of enabled configs", MetricType::kGauge, {"name"}},
      [&](const InstanceStatus& program, MetricFamily& family) {
        family.samples.push_back({batch.Labels({batch.Intern(program.name)}), uint64_t{1}});
      });
  AddFunctionFamilies(families, batch);
  if (run_stats) AddRunStats(families, batch);
  families.Add({kDecoderErrors,
                "How many times has decoders encountered errors",
                MetricType::kCounter,
                {"config"},
                "{error}"},
               [&](const InstanceStatus& program, MetricFamily& family) {
                 family.samples.push_back({batch.Labels({batch.Intern(program.name)}),
                                           program.decoder_errors, program.loaded_at_ns});
               });
}

void AddProgramFamilies(Programs programs, MetricBatch& batch) {
  AddStates(programs, batch);
  AddLatestPoll(programs, batch);
  AddMissing(programs, batch);
  AddDropped(programs, batch);
  AddLostEvents(programs, batch);
  AddSpans(programs, batch);
}

}  // namespace bpftally
