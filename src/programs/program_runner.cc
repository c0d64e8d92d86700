#include "programs/program_runner.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "programs/label_decoder.h"
#include "programs/runner_families.h"

namespace bpftally {
namespace {

FamilySpec SpecOf(const MetricPlan& plan) {
  FamilySpec spec{.name = plan.name, .help = plan.help, .type = plan.type, .unit = ""};
  for (const LabelPlan& label : plan.labels) spec.label_names.push_back(label.name);
  std::ranges::sort(spec.label_names);
  return spec;
}

bool SameMeaning(const FamilySpec& a, const FamilySpec& b) {
  return a.help == b.help && a.type == b.type && a.label_names == b.label_names;
}

// Adds what is new to a family; returns how many series it had already.
class Merger {
 public:
  explicit Merger(MetricFamily& family) : family_(family) {}

  uint64_t Take(Evaluated evaluated) {
    return Take(family_.samples, std::move(evaluated.samples)) +
           Take(family_.histograms, std::move(evaluated.histograms));
  }

 private:
  template <typename T>
  uint64_t Take(std::vector<T>& to, std::vector<T> from) {
    if (to.empty()) {
      to = std::move(from);
      return 0;
    }
    if (seen_.size() == 0)
      for (const T& sample : to) seen_.Insert(Join(sample.labels));
    const size_t before = to.size();
    for (const T& sample : from)
      if (seen_.Insert(Join(sample.labels)).is_new) to.push_back(sample);
    return from.size() - (to.size() - before);
  }

  std::string_view Join(LabelValues labels) {
    joined_.clear();
    for (size_t i = 0; i < family_.spec.label_names.size(); ++i)
      AppendLabelValue(joined_, labels[i]);
    return joined_;
  }

  MetricFamily& family_;
  ByteIndex seen_;
  std::string joined_;
};

}  // namespace

ProgramRunner::ProgramRunner(RunnerHost host, RunnerOptions options)
    : host_(std::move(host)),
      options_(options),
      reader_(host_.sys, host_.clock, host_.possible_cpus),
      tables_(host_.sources, host_.clock),
      event_tables_(host_.event_sources, host_.clock) {}

void ProgramRunner::AddFailed(std::string name) {
  programs_.push_back(std::make_unique<RunningProgram>(RunningProgram{.name = std::move(name)}));
}

void ProgramRunner::Add(ProgramPlan plan, std::unique_ptr<LoadedProgram> loaded,
                        std::unique_ptr<CgroupIdMap> cgroups) {
  RunningProgram& program = *programs_.emplace_back(std::make_unique<RunningProgram>(
      RunningProgram{.name = std::move(plan.name),
                     .loaded = std::move(loaded),
                     .cgroups = std::move(cgroups),
                     .loaded_at_ns = host_.clock.WallNanoseconds()}));
  for (MetricPlan& metric_plan : plan.metrics) {
    RunningMetric& metric = *program.metrics.emplace_back(std::make_unique<RunningMetric>());
    metric.plan = std::move(metric_plan);
    metric.unusable = metric.plan.unusable;
    Join(program, metric);
    if (!metric.unusable) Prepare(metric, *program.loaded);
  }
  if (!options_.spans) return;
  for (const SpanPlan& span : plan.spans) {
    if (auto prepared = PrepareSpans(program, span); !prepared)
      spdlog::warn("spans {} of {} are not read: {}", span.name, program.name,
                   prepared.error().message);
  }
}

// Puts the metric beside those of its name.
void ProgramRunner::Join(RunningProgram& program, RunningMetric& metric) {
  FamilySpec spec = SpecOf(metric.plan);
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

void ProgramRunner::Prepare(RunningMetric& metric, const LoadedProgram& loaded) {
  metric.map = loaded.FindMap(metric.plan.map);
  if (metric.map == nullptr) {
    metric.unusable =
        Error{ErrorKind::kInvalid, 0, fmt::format("the object has no map {}", metric.plan.map)};
  } else if (metric.plan.source == MetricSource::kPerfEvents) {
    if (auto prepared = PrepareEvents(metric); !prepared)
      metric.unusable = std::move(prepared.error());
  } else if (auto evaluator = MetricEvaluator::Make(metric.plan, tables_)) {
    metric.evaluator = std::move(*evaluator);
  } else {
    metric.unusable = std::move(evaluator.error());
  }
  if (metric.unusable)
    spdlog::warn("metric {} stays empty: {}", metric.plan.name, metric.unusable->message);
}

Result<void> ProgramRunner::PrepareSpans(RunningProgram& program, const SpanPlan& plan) {
  if (plan.unusable) return std::unexpected(*plan.unusable);
  const LoadedMap* map = program.loaded->FindMap(plan.map);
  if (map == nullptr) {
    return std::unexpected(
        Error{ErrorKind::kInvalid, 0, fmt::format("the object has no map {}", plan.map)});
  }
  auto source = SpanSource::Make(plan, program.name, event_tables_, host_.clock, spans_);
  if (!source) return std::unexpected(source.error());
  program.spans.push_back({plan.name, std::move(*source)});
  return ReadEvents(*map, *program.spans.back().source);
}

Result<void> ProgramRunner::ReadEvents(const LoadedMap& map, EventSink& sink) {
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
      EventCounterOptions{.key_size = metric.plan.key_size,
                          .flush_interval = metric.plan.flush_interval},
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
  const auto run = program.loaded->RunIterators(look.deadline, host_.clock);
  if (!run && !program.iterators_failed)
    spdlog::warn("iterators of {}: {}", program.name, run.error().message);
  program.iterators_failed = !run;
}

void ProgramRunner::CollectFamily(const Family& family, Look& look) {
  MetricFamily& published = look.batch.Add(family.spec, kMetricPrograms);
  Merger merger(published);
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
  return EvaluateMap(member, look);
}

Result<Evaluated> ProgramRunner::EvaluateMap(const Member& member, Look& look) {
  MetricEvaluator& evaluator = *member.metric->evaluator;
  evaluator.Start({.batch = look.batch,
                   .max_series = look.series_left,
                   .start_time_ns = member.program->loaded_at_ns});
  const auto read = reader_.Read(*member.metric->map, look.deadline,
                                 [&](const MapContent& piece) { return evaluator.Add(piece); });
  if (!read) return std::unexpected(read.error());
  return evaluator.Finish();
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
  return evaluated;
}

// What came of it, for the next look's metrics and the log; there on a change only.
void ProgramRunner::Account(const Member& member, const Result<Evaluated>& evaluated, Look& look) {
  RunningMetric& metric = *member.metric;
  if (evaluated) {
    metric.entries = evaluated->entries;
    metric.unwanted += evaluated->unwanted;
    metric.over_limit += evaluated->over_limit;
    look.series_left -= evaluated->samples.size() + evaluated->histograms.size();
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
