#include "programs/run/families.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "programs/plan/plan.h"

namespace bpftally {
namespace {

using Programs = std::vector<std::unique_ptr<RunningProgram>>;

MetricFamily& Add(MetricBatch& batch, MetricType type, std::string name, std::string help,
                  std::vector<std::string> labels, std::string unit = "") {
  return batch.Add({std::move(name), std::move(help), type, std::move(unit), std::move(labels)},
                   kMetricPrograms);
}

void AddDecoderErrors(const Programs& programs, MetricBatch& batch) {
  MetricFamily& errors =
      Add(batch, MetricType::kCounter, "ebpf_exporter_decoder_errors_total",
          "How many times has decoders encountered errors", {"config"}, "{error}");
  for (const auto& program : programs) {
    uint64_t count = program->decoder_errors;
    for (const auto& metric : program->metrics) count += metric->undecodable_events;
    for (const RunningSpans& spans : program->spans) count += spans.source->decode_errors();
    errors.samples.push_back(
        {batch.Labels({batch.Intern(program->name)}), count, program->loaded_at_ns});
  }
}

// Of each program that the kernel has.
void ForEachProgram(
    const Programs& programs,
    const std::function<void(const RunningProgram&, const AttachStatus&, size_t place)>& visit) {
  for (const auto& program : programs) {
    if (program->loaded == nullptr) continue;
    const auto& statuses = program->loaded->statuses();
    for (size_t place = 0; place < statuses.size(); ++place)
      if (statuses[place].id != 0) visit(*program, statuses[place], place);
  }
}

void AddRunStats(const Programs& programs, MetricBatch& batch) {
  MetricFamily& time =
      Add(batch, MetricType::kCounter, "ebpf_exporter_ebpf_program_run_time_seconds",
          "How long has the program been executing", {"id"}, "s");
  MetricFamily& runs =
      Add(batch, MetricType::kCounter, "ebpf_exporter_ebpf_program_run_count_total",
          "How many times has the program been executed", {"id"}, "{run}");
  ForEachProgram(
      programs, [&](const RunningProgram& program, const AttachStatus& status, size_t place) {
        const auto stats = program.loaded->RunStats(place);
        if (!stats) return;
        const LabelValues id = batch.Labels({batch.InternNumber(status.id)});
        constexpr double kSecond = 1e9;
        time.samples.push_back(
            {id, static_cast<double>(stats->run_time_ns) / kSecond, program.loaded_at_ns});
        runs.samples.push_back({id, stats->run_count, program.loaded_at_ns});
      });
}

bool IsAttached(const RunningProgram& program, const FunctionPlan& wanted) {
  if (program.loaded == nullptr) return false;
  const auto& statuses = program.loaded->statuses();
  const auto status = std::ranges::find(statuses, wanted.name, &AttachStatus::program);
  return status != statuses.end() && status->attached;
}

void AddStates(const Programs& programs, MetricBatch& batch) {
  MetricFamily& success =
      Add(batch, MetricType::kGauge, "bpftally_program_config_success",
          "1: the configuration runs; 0: the kernel refused its object.", {"config"});
  MetricFamily& attached =
      Add(batch, MetricType::kGauge, "bpftally_program_attached",
          "1: the program of this section is loaded and attached; 0: not, the log says why.",
          {"config", "program", "section"});
  for (const auto& program : programs) {
    const std::string_view config = batch.Intern(program->name);
    success.samples.push_back({batch.Labels({config}), uint64_t{program->loaded ? 1U : 0U}});
    for (const FunctionPlan& wanted : program->programs) {
      attached.samples.push_back(
          {batch.Labels({config, batch.Intern(wanted.name), batch.Intern(wanted.section)}),
           uint64_t{IsAttached(*program, wanted) ? 1U : 0U}});
    }
  }
}

// The labels "config" and "metric", and those of `more`.
LabelValues MetricLabels(MetricBatch& batch, const RunningProgram& program,
                         const RunningMetric& metric, std::string_view reason = {}) {
  const std::string_view config = batch.Intern(program.name);
  const std::string_view name = batch.Intern(metric.plan.name);
  if (reason.empty()) return batch.Labels({config, name});
  return batch.Labels({config, name, reason});
}

void ForEachMetric(const Programs& programs,
                   const std::function<void(const RunningProgram&, const RunningMetric&)>& visit) {
  for (const auto& program : programs)
    for (const auto& metric : program->metrics) visit(*program, *metric);
}

void AddLatestLook(const Programs& programs, MetricBatch& batch) {
  MetricFamily& duration =
      Add(batch, MetricType::kGauge, "bpftally_program_metric_duration_seconds",
          "How long reading and decoding the metric took. Metrics of one map are read at once: the "
          "first has the time of all.",
          {"config", "metric"}, "s");
  MetricFamily& entries =
      Add(batch, MetricType::kGauge, "bpftally_program_metric_entries",
          "Entries of the metric's map that were read.", {"config", "metric"}, "{entry}");
  ForEachMetric(programs, [&](const RunningProgram& program, const RunningMetric& metric) {
    const LabelValues labels = MetricLabels(batch, program, metric);
    duration.samples.push_back({labels, metric.seconds});
    entries.samples.push_back({labels, metric.entries});
  });
}

void AddMissing(const Programs& programs, MetricBatch& batch) {
  MetricFamily& missing = Add(batch, MetricType::kCounter, "bpftally_program_metric_missing_total",
                              "Polls without the metric, by the kind of error.",
                              {"config", "metric", "reason"}, "{poll}");
  ForEachMetric(programs, [&](const RunningProgram& program, const RunningMetric& metric) {
    for (const auto& [kind, count] : metric.missing)
      missing.samples.push_back(
          {MetricLabels(batch, program, metric, ErrorKindName(kind)), count, program.loaded_at_ns});
  });
}

void AddDropped(const Programs& programs, MetricBatch& batch) {
  MetricFamily& dropped =
      Add(batch, MetricType::kCounter, "bpftally_program_series_dropped_total",
          "Entries and series left out, summed over polls: unwanted (a decoder drops them), limit "
          "(one too many), duplicate (another configuration has the same).",
          {"config", "metric", "reason"}, "{series}");
  ForEachMetric(programs, [&](const RunningProgram& program, const RunningMetric& metric) {
    for (const auto& [reason, count] :
         {std::pair<std::string_view, uint64_t>{"unwanted", metric.unwanted},
          {"limit", metric.over_limit},
          {"duplicate", metric.duplicates}}) {
      if (count > 0)
        dropped.samples.push_back(
            {MetricLabels(batch, program, metric, reason), count, program.loaded_at_ns});
    }
  });
}

void AddLostEvents(const Programs& programs, MetricBatch& batch) {
  MetricFamily& lost =
      Add(batch, MetricType::kCounter, "bpftally_program_events_lost_total",
          "Events that the kernel had no room for.", {"config", "metric"}, "{event}");
  ForEachMetric(programs, [&](const RunningProgram& program, const RunningMetric& metric) {
    if (metric.source->events)
      lost.samples.push_back(
          {MetricLabels(batch, program, metric), metric.lost_events, program.loaded_at_ns});
  });
}

// Added up where two ring buffers of a configuration have spans of one name.
void AddSpans(const Programs& programs, MetricBatch& batch) {
  MetricFamily& made = Add(batch, MetricType::kCounter, "bpftally_program_spans_total",
                           "Spans made of events.", {"config", "span"}, "{span}");
  MetricFamily& dropped =
      Add(batch, MetricType::kCounter, "bpftally_program_spans_dropped_total",
          "Spans dropped since too many waited for their export.", {"config", "span"}, "{span}");
  for (const auto& program : programs) {
    std::map<std::string_view, std::pair<uint64_t, uint64_t>> counts;
    for (const RunningSpans& spans : program->spans) {
      auto& [made_count, dropped_count] = counts[spans.name];
      made_count += spans.source->spans();
      dropped_count += spans.source->dropped();
    }
    for (const auto& [name, count] : counts) {
      const LabelValues labels = batch.Labels({batch.Intern(program->name), batch.Intern(name)});
      made.samples.push_back({labels, count.first, program->loaded_at_ns});
      dropped.samples.push_back({labels, count.second, program->loaded_at_ns});
    }
  }
}

}  // namespace

void AddExporterFamilies(const Programs& programs, bool run_stats, MetricBatch& batch) {
  MetricFamily& enabled = Add(batch, MetricType::kGauge, "ebpf_exporter_enabled_configs",
                              "The set of enabled configs", {"name"});
  for (const auto& program : programs)
    enabled.samples.push_back({batch.Labels({batch.Intern(program->name)}), uint64_t{1}});

  MetricFamily& info = Add(batch, MetricType::kGauge, "ebpf_exporter_ebpf_program_info",
                           "Info about ebpf programs", {"config", "id", "program", "tag"});
  MetricFamily& attached = Add(batch, MetricType::kGauge, "ebpf_exporter_ebpf_program_attached",
                               "Whether a program is attached", {"id"});
  ForEachProgram(programs, [&](const RunningProgram& program, const AttachStatus& status, size_t) {
    const std::string_view id = batch.InternNumber(status.id);
    info.samples.push_back({batch.Labels({batch.Intern(program.name), id,
                                          batch.Intern(status.program), batch.Intern(status.tag)}),
                            uint64_t{1}});
    attached.samples.push_back({batch.Labels({id}), uint64_t{status.attached ? 1U : 0U}});
  });
  if (run_stats) AddRunStats(programs, batch);
  AddDecoderErrors(programs, batch);
}

void AddRunnerFamilies(const Programs& programs, MetricBatch& batch) {
  AddStates(programs, batch);
  AddLatestLook(programs, batch);
  AddMissing(programs, batch);
  AddDropped(programs, batch);
  AddLostEvents(programs, batch);
  AddSpans(programs, batch);
}

}  // namespace bpftally
