#include "programs/run/program_runner.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kernel/map_handle.h"
#include "programs/plan/plan.h"
#include "programs/run/families.h"
#include "programs/run/family_merger.h"

namespace bpftally {
namespace {

Result<const MapHandle*> FindMap(const LoadedProgram& loaded, const std::string& name) {
  if (const MapHandle* map = loaded.FindMap(name)) return map;
  return std::unexpected(
      Error{ErrorKind::kInvalid, 0, fmt::format("the object has no map {}", name)});
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
  for (const SourcePlan& source : plan.sources)
    if (!source.metrics.empty()) AddSource(program, plan, source);
  if (!options_.spans) return;
  for (const SourcePlan& source : plan.sources) {
    for (const SpanPlan& span : source.spans) {
      if (auto prepared = PrepareSpans(program, source, span); !prepared)
        spdlog::warn("spans {} of {} are not read: {}", span.name, program.name,
                     prepared.error().message);
    }
  }
}

void ProgramRunner::AddSource(RunningProgram& program, const ProgramPlan& plan,
                              const SourcePlan& source_plan) {
  RunningSource& source = *program.sources.emplace_back(std::make_unique<RunningSource>());
  source.plan = source_plan;
  const size_t first = program.metrics.size();
  for (const MetricPlan& metric_plan : source.plan.metrics) {
    RunningMetric& metric = *program.metrics.emplace_back(std::make_unique<RunningMetric>());
    metric.plan = metric_plan;
    metric.source = &source;
    metric.place = program.metrics.size() - 1 - first;
    metric.unusable = metric.plan.unusable;
    Join(program, metric, FamilyOf(plan, metric.plan));
    source.plan.metrics[metric.place].unusable = metric.unusable;
  }
  const auto prepared = Prepare(program, plan, source);
  for (size_t place = 0; place < source.plan.metrics.size(); ++place) {
    RunningMetric& metric = *program.metrics[first + place];
    if (metric.unusable) continue;
    if (!prepared) metric.unusable = prepared.error();
    if (prepared) metric.unusable = source.plan.metrics[place].unusable;
    if (metric.unusable)
      spdlog::warn("metric {} stays empty: {}", metric.plan.name, metric.unusable->message);
  }
}

// What cannot be evaluated is told in the source's plan.
Result<void> ProgramRunner::Prepare(RunningProgram& program, const ProgramPlan& plan,
                                    RunningSource& source) {
  const auto map = FindMap(*program.loaded, MapOf(source.plan));
  if (!map) return std::unexpected(map.error());
  source.map = *map;
  const bool of_events = IsOfEvents(source.plan);
  SourceEvaluator evaluator(source.plan, plan.const_labels, of_events ? event_tables_ : tables_,
                            host_.clock);
  for (size_t place = 0; place < evaluator.metrics(); ++place)
    source.plan.metrics[place].unusable = evaluator.unusable(place);
  const bool wanted = evaluator.wanted();
  if (!of_events) {
    source.entries = std::make_unique<SourceEvaluator>(std::move(evaluator));
    return {};
  }
  source.events = std::make_unique<EventEvaluator>(std::move(evaluator));
  return wanted ? ReadEvents(*source.map, *source.events) : Result<void>();
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
  RunningSource& source = *metric.source;
  // Nobody knows which maps they fill.
  if (source.entries && member.program->iterators_failed)
    return std::unexpected(*member.program->iterators_failed);
  if (source.results.empty()) Read(member, look);
  return std::exchange(source.results[metric.place], Evaluated());
}

// A source is read once, when the first of its metrics is asked for.
void ProgramRunner::Read(const Member& member, Look& look) {
  RunningSource& source = *member.metric->source;
  const EvaluationScope scope{.batch = look.batch,
                              .max_series = look.series_left,
                              .start_time_ns = member.program->loaded_at_ns};
  if (source.entries) {
    source.results = ReadMap(source, scope, look.deadline);
  } else {
    auto taken = source.events->Take(scope);
    source.results = std::move(taken.metrics);
    for (const auto& metric : member.program->metrics)
      if (metric->source == &source) metric->lost_events = taken.lost;
  }
  for (const Result<Evaluated>& result : source.results)
    if (result) look.series_left -= result->series();
}

std::vector<Result<Evaluated>> ProgramRunner::ReadMap(
    RunningSource& source, const EvaluationScope& scope,
    std::chrono::steady_clock::time_point deadline) {
  source.entries->Begin(scope);
  return source.entries->Finish(reader_.Read(
      *source.map, deadline, [&](const Rows& rows) { return source.entries->Add(rows); }));
}

// What came of it, for the next look's metrics and the log; there on a change only.
void ProgramRunner::Account(const Member& member, const Result<Evaluated>& evaluated, Look& look) {
  RunningMetric& metric = *member.metric;
  if (evaluated) {
    metric.entries = evaluated->entries;
    metric.unwanted += evaluated->unwanted;
    metric.over_limit += evaluated->over_limit;
    metric.undecodable_events += evaluated->undecodable;
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
  for (const auto& program : programs_) {
    for (const auto& source : program->sources) {
      source->results.clear();
      if (source->entries) source->entries->FreeBuffers();
    }
  }
}

}  // namespace bpftally
