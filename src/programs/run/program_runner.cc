#include "programs/run/program_runner.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kernel/map_handle.h"
#include "programs/decode/label_decoder.h"
#include "programs/plan/plan.h"
#include "programs/run/families.h"
#include "programs/run/family_merger.h"
#include "programs/run/read_together.h"

namespace bpftally {
namespace {

Result<const MapHandle*> FindMap(const LoadedProgram& loaded, const std::string& name) {
  if (const MapHandle* map = loaded.FindMap(name)) return map;
  return std::unexpected(
      Error{ErrorKind::kInvalid, 0, fmt::format("the object has no map {}", name)});
}

size_t SeriesOf(const Evaluated& evaluated) {
  return evaluated.samples.size() + evaluated.histograms.size();
}

bool SameMeaning(const FamilySpec& a, const FamilySpec& b) {
  return a.help == b.help && a.type == b.type && a.label_names == b.label_names;
}

}  // namespace

ProgramRunner::ProgramRunner(RunnerHost host, RunnerOptions options)
    : host_(std::move(host)),
      options_(options),
      reader_(host_.sys, host_.clock, host_.possible_cpus),
      tables_(host_.sources, host_.clock),
      event_tables_(host_.event_sources, host_.clock) {}

void ProgramRunner::AddFailed(ProgramPlan plan) {
  programs_.push_back(std::make_unique<RunningProgram>(
      RunningProgram{.name = std::move(plan.name), .programs = std::move(plan.functions)}));
}

void ProgramRunner::Add(ProgramPlan plan, std::unique_ptr<LoadedProgram> loaded,
                        std::unique_ptr<CgroupIdMap> cgroups) {
  RunningProgram& program = *programs_.emplace_back(std::make_unique<RunningProgram>(
      RunningProgram{.name = plan.name,
                     .programs = plan.functions,
                     .loaded = std::move(loaded),
                     .cgroups = std::move(cgroups),
                     .loaded_at_ns = host_.clock.WallNanoseconds()}));
  for (const SourcePlan& source : plan.sources) {
    for (const MetricPlan& metric_plan : source.metrics) {
      RunningMetric& metric = *program.metrics.emplace_back(std::make_unique<RunningMetric>());
      metric.plan = metric_plan;
      metric.source = source;
      metric.unusable = metric.plan.unusable;
      Join(program, metric, FamilyOf(plan, metric.plan));
      if (!metric.unusable) Prepare(metric, *program.loaded);
    }
  }
  GroupByMap(program);
  if (!options_.spans) return;
  for (const SourcePlan& source : plan.sources) {
    for (const SpanPlan& span : source.spans) {
      if (auto prepared = PrepareSpans(program, source, span); !prepared)
        spdlog::warn("spans {} of {} are not read: {}", span.name, program.name,
                     prepared.error().message);
    }
  }
}

// Puts the metric beside those of its name.
void ProgramRunner::Join(RunningProgram& program, RunningMetric& metric, FamilySpec spec) {
  const auto same = std::ranges::find(families_, spec.name,
                                      [](const Family& family) { return family.spec.name; });
  if (same == families_.end()) {
    families_.push_back({std::move(spec), {{&program, &metric}}});
    return;
  }
  same->members.push_back({&program, &metric});
  if (!SameMeaning(same->spec, spec)) {
    metric.unusable = Error{ErrorKind::kInvalid, 0,
                            "another configuration has a metric of this name with another help "
                            "text, type or labels"};
  }
}

void ProgramRunner::GroupByMap(RunningProgram& program) {
  for (const auto& metric : program.metrics) {
    for (const auto& other : program.metrics) {
      if (metric->evaluator && other->evaluator && metric->map == other->map)
        metric->same_map.push_back(other.get());
    }
  }
}

void ProgramRunner::Prepare(RunningMetric& metric, const LoadedProgram& loaded) {
  if (auto prepared = PrepareReading(metric, loaded); !prepared) {
    metric.unusable = std::move(prepared.error());
    spdlog::warn("metric {} stays empty: {}", metric.plan.name, metric.unusable->message);
  }
}

Result<void> ProgramRunner::PrepareReading(RunningMetric& metric, const LoadedProgram& loaded) {
  const auto map = FindMap(loaded, MapOf(metric.source));
  if (!map) return std::unexpected(map.error());
  metric.map = *map;
  if (IsOfEvents(metric.source)) return PrepareEvents(metric);
  auto evaluator = MetricEvaluator::Make(metric.source, metric.plan, tables_);
  if (!evaluator) return std::unexpected(std::move(evaluator.error()));
  metric.evaluator = std::move(*evaluator);
  return {};
}

Result<void> ProgramRunner::PrepareSpans(RunningProgram& program, const SourcePlan& source_plan,
                                         const SpanPlan& plan) {
  if (plan.unusable) return std::unexpected(*plan.unusable);
  const auto map = FindMap(*program.loaded, MapOf(source_plan));
  if (!map) return std::unexpected(map.error());
  auto source = SpanSource::Make(plan, event_tables_, host_.clock, spans_);
  if (!source) return std::unexpected(source.error());
  program.spans.push_back({plan.name, std::move(*source)});
  return ReadEvents(**map, *program.spans.back().source);
}

Result<void> ProgramRunner::ReadEvents(const MapHandle& map, EventSink& sink) {
  if (events_ == nullptr) {
    auto reader = MakeEventReader(options_.events);
    if (!reader) return std::unexpected(reader.error());
    events_ = std::move(*reader);
  }
  return events_->Add(map, sink);
}

Result<void> ProgramRunner::PrepareEvents(RunningMetric& metric) {
  auto made = LabelDecoder::Make(metric.plan.labels, event_tables_);
  if (!made) return std::unexpected(made.error());
  const auto decoder = std::make_shared<LabelDecoder>(std::move(*made));
  auto decode = [decoder](std::span<const std::byte> event, std::vector<std::string>& labels) {
    const auto verdict =
        decoder->Decode({reinterpret_cast<const char*>(event.data()), event.size()});
    labels = decoder->values();
    return verdict;
  };
  metric.events = std::make_unique<EventCounter>(
      EventCounterOptions{
          .key_size = metric.source.value_size,
          .flush_interval = std::get<EventSource>(metric.source.from).flush_interval},
      std::move(decode), host_.clock);
  return ReadEvents(*metric.map, *metric.events);
}

Result<void> ProgramRunner::Start() {
  for (const auto& program : programs_) {
    if (program->cgroups == nullptr) continue;
    if (auto started = program->cgroups->Start(); !started) return started;
  }
  return events_ == nullptr ? Result<void>() : events_->Start();
}

Result<void> ProgramRunner::Collect(std::chrono::steady_clock::time_point deadline,
                                    MetricBatch& batch) {
  Look look{.deadline = deadline, .batch = batch, .series_left = options_.max_series};
  for (const auto& program : programs_) RunIterators(*program, look);
  for (const Family& family : families_) CollectFamily(family, look);
  const auto sysctl = host_.sys.ReadFile("/proc/sys/kernel/bpf_stats_enabled");
  AddExporterFamilies(programs_, options_.run_stats || (sysctl && sysctl->starts_with('1')), batch);
  AddRunnerFamilies(programs_, batch);
  tables_.Trim();
  FreeBuffers();
  if (look.missing == 0) return {};
  const bool late = host_.clock.Now() >= deadline;
  return std::unexpected(Error{
      late ? ErrorKind::kExhausted : ErrorKind::kInternal, late ? ETIMEDOUT : 0,
      fmt::format("{} metrics are missing; the first is {}", look.missing, look.first_missing)});
}

void ProgramRunner::RunIterators(RunningProgram& program, const Look& look) {
  if (program.loaded == nullptr) return;
  const bool known = program.iterators_failed.has_value();
  program.iterators_failed.reset();
  const auto run = program.loaded->RunIterators(look.deadline, host_.clock);
  if (run) return;
  program.iterators_failed = Wrap(run.error(), "iterators of " + program.name);
  if (!known) spdlog::warn("{}", program.iterators_failed->message);
}

void ProgramRunner::CollectFamily(const Family& family, Look& look) {
  MetricFamily& published = look.batch.Add(family.spec, kMetricPrograms);
  FamilyMerger merger(published);
  for (const Member& member : family.members) {
    const auto began = host_.clock.Now();
    Result<Evaluated> evaluated = Evaluate(member, look);
    member.metric->seconds = std::chrono::duration<double>(host_.clock.Now() - began).count();
    Account(member, evaluated, look);
    if (evaluated) member.metric->duplicates += merger.Take(std::move(*evaluated));
  }
}

Result<Evaluated> ProgramRunner::Evaluate(const Member& member, Look& look) {
  RunningMetric& metric = *member.metric;
  if (metric.unusable) return std::unexpected(*metric.unusable);
  if (metric.events) return EvaluateEvents(metric, look);
  // Nobody knows which maps they fill.
  if (member.program->iterators_failed) return std::unexpected(*member.program->iterators_failed);
  return EvaluateMap(member, look);
}

// A map is read once, when the first of its metrics is asked for.
Result<Evaluated> ProgramRunner::EvaluateMap(const Member& member, Look& look) {
  if (auto known = std::exchange(member.metric->evaluated, std::nullopt)) return *std::move(known);
  std::vector<RunningMetric*> metrics = member.metric->same_map;
  if (!FitTogether(metrics, look)) metrics = {member.metric};
  std::vector<MetricEvaluator*> evaluators;
  for (RunningMetric* metric : metrics) {
    evaluators.push_back(metric->evaluator.get());
    evaluators.back()->Start({.batch = look.batch,
                              .max_series = look.series_left,
                              .start_time_ns = member.program->loaded_at_ns});
  }
  auto results = ReadTogether(reader_, *member.metric->map, look.deadline, evaluators);
  for (size_t i = 0; i < metrics.size(); ++i) {
    if (results[i]) look.series_left -= SeriesOf(*results[i]);
    metrics[i]->evaluated = std::move(results[i]);
  }
  return *std::exchange(member.metric->evaluated, std::nullopt);
}

// Where they could have more series than may be, the first metrics are to have theirs: one after
// another.
bool ProgramRunner::FitTogether(const std::vector<RunningMetric*>& metrics,
                                const Look& look) const {
  uint64_t most = 0;
  for (const RunningMetric* metric : metrics)
    most += metric->map->max_entries * host_.possible_cpus;
  return most <= look.series_left;
}

Evaluated ProgramRunner::EvaluateEvents(RunningMetric& metric, Look& look) {
  const EventCounts counts = metric.events->Counts();
  metric.lost_events = counts.lost;
  metric.overflowed_events = counts.over_limit;
  metric.undecodable_events = counts.decode_errors;
  Evaluated evaluated;
  evaluated.entries = counts.series.size();
  for (const EventSeries& series : counts.series) {
    if (evaluated.samples.size() >= look.series_left) {
      ++evaluated.over_limit;
      continue;
    }
    evaluated.samples.push_back({PublishLabels(look.batch, series.labels),
                                 static_cast<double>(series.count), counts.start_time_ns});
  }
  look.series_left -= SeriesOf(evaluated);
  return evaluated;
}

// What came of it, for the next look's metrics and the log; there on a change only.
void ProgramRunner::Account(const Member& member, const Result<Evaluated>& evaluated, Look& look) {
  RunningMetric& metric = *member.metric;
  if (evaluated) {
    metric.entries = evaluated->entries;
    metric.unwanted += evaluated->unwanted;
    metric.over_limit += evaluated->over_limit;
    if (metric.failed) spdlog::info("metric {} is there again", metric.plan.name);
    metric.failed = false;
    return;
  }
  const Error& error = evaluated.error();
  metric.entries = 0;
  ++metric.missing[error.kind];
  if (error.kind == ErrorKind::kInvalid) ++member.program->decoder_errors;
  if (metric.unusable) return;  // known, and said at the start
  if (look.missing++ == 0)
    look.first_missing = fmt::format("{}: {}", metric.plan.name, error.message);
  if (!metric.failed) spdlog::warn("metric {} is missing: {}", metric.plan.name, error.message);
  metric.failed = true;
}

void ProgramRunner::FreeBuffers() {
  reader_.FreeBuffers();
  for (const auto& program : programs_)
    for (const auto& metric : program->metrics)
      if (metric->evaluator) metric->evaluator->FreeBuffers();
}

}  // namespace bpftally
