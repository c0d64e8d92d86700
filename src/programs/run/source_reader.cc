#include "programs/run/source_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "kernel/map_handle.h"
#include "programs/evaluate/event_evaluator.h"
#include "programs/evaluate/span_source.h"

namespace bpftally {

namespace {

// Returns the source without the metrics and spans made from its rows.
SourcePlan RowsOf(const SourcePlan& source) {
  SourcePlan rows = source;
  rows.metrics.clear();
  rows.spans.clear();
  return rows;
}

Result<const MapHandle*> FindMap(const LoadedProgram& loaded, const SourcePlan& source) {
  if (const MapHandle* map = loaded.FindMap(MapOf(source))) return map;
  return std::unexpected(
      Error{ErrorKind::kInvalid, 0, fmt::format("the object has no map {}", MapOf(source))});
}

}  // namespace

// State of one metric and, if it is made from events, its subscription. Members that change belong
// to the poller's thread.
class MetricReader {
 public:
  MetricReader(const ProgramPlan& program, const SourcePlan& source, MetricPlan plan,
               std::shared_ptr<LoadedProgram> loaded, const InstanceHost& host)
      : constants_(program.const_labels),
        source_(RowsOf(source)),
        plan_(std::move(plan)),
        loaded_(std::move(loaded)),
        host_(host),
        problem_(plan_.unusable) {
    status.name = plan_.name;
  }
  MetricReader(const MetricReader&) = delete;
  MetricReader& operator=(const MetricReader&) = delete;
  ~MetricReader() {
    if (subscribed_) host_.events.Remove(*events_);
  }

  // Begins to take events. An error is also kept as the reason why the metric never gives a sample.
  Result<void> Prepare() {
    if (problem_ || !IsOfEvents(source_)) return {};
    auto prepared = PrepareEvents();
    if (!prepared) problem_ = prepared.error();
    return prepared;
  }

  // Returns whether a reader of this plan would read and decode the same.
  bool Serves(const ProgramPlan& program, const SourcePlan& source, const MetricPlan& plan) const {
    MetricPlan same = plan;
    same.help = plan_.help;
    return same == plan_ && RowsOf(source) == source_ && program.const_labels == constants_;
  }

  const MetricPlan& plan() const { return plan_; }
  const std::optional<Error>& problem() const { return problem_; }
  void SetProblem(Error problem) { problem_ = std::move(problem); }
  bool of_events() const { return IsOfEvents(source_); }

  // Takes at most `max_series` series that events have counted.
  Result<Evaluated> TakeEvents(MetricBatch& batch, size_t max_series) {
    EventEvaluator::Taken taken = events_->Take({.batch = batch, .max_series = max_series});
    status.lost_events = taken.lost;
    return std::move(taken.metrics[0]);
  }

  MetricStatus status;
  bool failed = false;  // and that was logged

 private:
  Result<void> PrepareEvents() {
    const auto map = FindMap(*loaded_, source_);
    if (!map) return std::unexpected(map.error());
    SourcePlan own = source_;
    own.metrics = {plan_};
    SourceEvaluator evaluator(own, constants_, host_.event_tables, host_.clock);
    if (evaluator.unusable(0)) return std::unexpected(*evaluator.unusable(0));
    events_ = std::make_unique<EventEvaluator>(std::move(evaluator));
    status.lost_events = 0;
    const auto added = host_.events.Add(**map, *events_);
    subscribed_ = added.has_value();
    return added;
  }

  const TextMap constants_;
  const SourcePlan source_;
  const MetricPlan plan_;
  const std::shared_ptr<LoadedProgram> loaded_;
  const InstanceHost host_;
  std::optional<Error> problem_;
  std::unique_ptr<EventEvaluator> events_;
  bool subscribed_ = false;
};

// Reader of the spans of one ring buffer.
class SpansReader {
 public:
  // Fails with kInvalid if the plan or the object lacks something that it needs.
  static Result<std::shared_ptr<SpansReader>> Make(const SourcePlan& source_plan,
                                                   const SpanPlan& plan,
                                                   std::shared_ptr<LoadedProgram> loaded,
                                                   const InstanceHost& host) {
    if (plan.unusable) return std::unexpected(*plan.unusable);
    const auto map = FindMap(*loaded, source_plan);
    if (!map) return std::unexpected(map.error());
    auto source = SpanSource::Make(plan, host.event_tables, host.clock, *host.spans);
    if (!source) return std::unexpected(source.error());
    auto reader = std::shared_ptr<SpansReader>(
        new SpansReader(source_plan, plan, std::move(loaded), host, std::move(*source)));
    if (auto added = host.events.Add(**map, *reader->source_); !added)
      return std::unexpected(added.error());
    reader->subscribed_ = true;
    return reader;
  }

  SpansReader(const SpansReader&) = delete;
  SpansReader& operator=(const SpansReader&) = delete;
  ~SpansReader() {
    if (subscribed_) host_.events.Remove(*source_);
  }

  bool Serves(const SourcePlan& source, const SpanPlan& plan) const {
    return plan == plan_ && RowsOf(source) == source_plan_;
  }

  SpansStatus Status() const {
    return {.name = plan_.name,
            .since_ns = since_ns_,
            .made = source_->spans(),
            .dropped = source_->dropped()};
  }

  // Returns how many errors came since the last call.
  uint64_t NewDecoderErrors() {
    const uint64_t known = std::exchange(decoder_errors_, source_->decode_errors());
    return decoder_errors_ - known;
  }

 private:
  SpansReader(const SourcePlan& source_plan, SpanPlan plan, std::shared_ptr<LoadedProgram> loaded,
              const InstanceHost& host, std::unique_ptr<SpanSource> source)
      : source_plan_(RowsOf(source_plan)),
        plan_(std::move(plan)),
        loaded_(std::move(loaded)),
        host_(host),
        source_(std::move(source)),
        since_ns_(host.clock.WallNanoseconds()) {}

  const SourcePlan source_plan_;
  const SpanPlan plan_;
  const std::shared_ptr<LoadedProgram> loaded_;
  const InstanceHost host_;
  const std::unique_ptr<SpanSource> source_;
  const int64_t since_ns_;
  bool subscribed_ = false;
  uint64_t decoder_errors_ = 0;  // already returned
};

namespace {

// Finds the first of `readers` that `serves` accepts and that is not in `taken` yet.
template <typename Reader, typename Serves>
std::shared_ptr<Reader> FindReader(const std::vector<std::shared_ptr<Reader>>& readers,
                                   const Serves& serves,
                                   const std::vector<std::shared_ptr<Reader>>& taken) {
  for (const auto& reader : readers)
    if (serves(*reader) && std::ranges::find(taken, reader) == taken.end()) return reader;
  return nullptr;
}

}  // namespace

ProgramSources::ProgramSources(const ProgramPlan& plan, std::shared_ptr<LoadedProgram> loaded,
                               int64_t loaded_at_ns, const InstanceHost& host,
                               const ProgramSources* before, Notices& said)
    : host_(host),
      name_(plan.name),
      loaded_(std::move(loaded)),
      loaded_at_ns_(loaded_at_ns),
      decoder_errors_(before == nullptr ? std::make_shared<uint64_t>(0) : before->decoder_errors_) {
  for (const SourcePlan& source : plan.sources) {
    AddMetrics(plan, source, before, said);
    if (host_.spans == nullptr) continue;
    for (const SpanPlan& span : source.spans) AddSpans(source, span, before, said);
  }
}

ProgramSources::~ProgramSources() = default;

void ProgramSources::AddMetrics(const ProgramPlan& plan, const SourcePlan& source,
                                const ProgramSources* before, Notices& said) {
  for (const MetricPlan& metric : source.metrics)
    metrics_.push_back(ReaderOf(plan, source, metric, before, said));
  if (!IsOfEvents(source) && !source.metrics.empty()) AddMap(plan, source, said);
}

// Adds a map. Metrics that prove to be unusable are reported and not read.
void ProgramSources::AddMap(const ProgramPlan& plan, SourcePlan source, Notices& said) {
  MapSourceReader reader{.first = metrics_.size() - source.metrics.size()};
  const auto map = FindMap(*loaded_, source);
  reader.evaluator =
      std::make_unique<SourceEvaluator>(source, plan.const_labels, host_.tables, host_.clock);
  for (size_t place = 0; place < source.metrics.size(); ++place) {
    if (!map) reader.evaluator->SetUnusable(place, map.error());
    const auto& problem = reader.evaluator->unusable(place);
    if (!problem) continue;
    MetricReader& metric = *metrics_[reader.first + place];
    // A known problem stands: the reader may be shared with a list that is being polled.
    if (metric.problem()) continue;
    said.push_back({Notice::Severity::kWarning, fmt::format("metric {} stays empty: {}",
                                                            metric.plan().name, problem->message)});
    metric.SetProblem(*problem);
  }
  if (map) reader.map = *map;
  maps_.push_back(std::move(reader));
}

std::shared_ptr<MetricReader> ProgramSources::ReaderOf(const ProgramPlan& program,
                                                       const SourcePlan& source,
                                                       const MetricPlan& plan,
                                                       const ProgramSources* before,
                                                       Notices& said) {
  const auto serves = [&](const MetricReader& r) { return r.Serves(program, source, plan); };
  if (before != nullptr) {
    if (auto reader = FindReader(before->metrics_, serves, metrics_)) return reader;
  }
  auto reader = std::make_shared<MetricReader>(program, source, plan, loaded_, host_);
  reader->status.since_ns = before == nullptr ? loaded_at_ns_ : host_.clock.WallNanoseconds();
  if (const auto prepared = reader->Prepare(); !prepared) {
    said.push_back({Notice::Severity::kWarning,
                    fmt::format("metric {} stays empty: {}", plan.name, prepared.error().message)});
  }
  return reader;
}

void ProgramSources::AddSpans(const SourcePlan& source, const SpanPlan& plan,
                              const ProgramSources* before, Notices& said) {
  const auto serves = [&](const SpansReader& r) { return r.Serves(source, plan); };
  if (before != nullptr) {
    if (auto reader = FindReader(before->spans_, serves, spans_)) {
      spans_.push_back(std::move(reader));
      return;
    }
  }
  auto reader = SpansReader::Make(source, plan, loaded_, host_);
  if (reader) {
    spans_.push_back(std::move(*reader));
  } else {
    said.push_back(
        {Notice::Severity::kWarning,
         fmt::format("spans {} of {} are not read: {}", plan.name, name_, reader.error().message)});
  }
}

void ProgramSources::BeginPoll(ProgramPoll& poll) {
  const bool known = iterators_failed_.has_value();
  iterators_failed_.reset();
  const auto run = loaded_->RunIterators(poll.deadline, host_.clock);
  if (run) return;
  iterators_failed_ = Wrap(run.error(), "iterators of " + name_);
  if (!known) poll.said.push_back({Notice::Severity::kWarning, iterators_failed_->message});
}

Result<Evaluated> ProgramSources::Read(size_t metric, const std::optional<Error>& conflict,
                                       ProgramPoll& poll) {
  MetricReader& reader = *metrics_[metric];
  const auto began = host_.clock.Now();
  Result<Evaluated> evaluated =
      conflict ? Result<Evaluated>(std::unexpected(*conflict)) : Evaluate(metric, poll);
  reader.status.seconds = std::chrono::duration<double>(host_.clock.Now() - began).count();
  // Problems known from the start were reported then, and do not make a poll fail.
  Account(reader, conflict || reader.problem(), evaluated, poll);
  return evaluated;
}

void ProgramSources::CountDuplicates(size_t metric, uint64_t count) {
  metrics_[metric]->status.duplicates += count;
}

void ProgramSources::EndPoll() {
  for (MapSourceReader& map : maps_) {
    map.results.clear();
    map.evaluator->FreeBuffers();
  }
  for (const auto& reader : spans_) *decoder_errors_ += reader->NewDecoderErrors();
}

Result<Evaluated> ProgramSources::Evaluate(size_t metric, ProgramPoll& poll) {
  MetricReader& reader = *metrics_[metric];
  if (reader.problem()) return std::unexpected(*reader.problem());
  if (reader.of_events()) {
    Result<Evaluated> evaluated = reader.TakeEvents(poll.batch, poll.series_left);
    if (evaluated) poll.series_left -= evaluated->series();
    return evaluated;
  }
  // A failed iterator may fill any of the maps.
  if (iterators_failed_) return std::unexpected(*iterators_failed_);
  return EvaluateMap(metric, poll);
}

// Reads a map once, when the first of its metrics is asked for.
Result<Evaluated> ProgramSources::EvaluateMap(size_t metric, ProgramPoll& poll) {
  const auto behind = std::ranges::upper_bound(maps_, metric, {}, &MapSourceReader::first);
  MapSourceReader& source = *std::prev(behind);
  if (source.results.empty()) ReadMap(source, poll);
  return std::exchange(source.results[metric - source.first], Evaluated());
}

void ProgramSources::ReadMap(MapSourceReader& source, ProgramPoll& poll) const {
  source.evaluator->Begin(
      {.batch = poll.batch, .max_series = poll.series_left, .start_time_ns = loaded_at_ns_});
  const auto read = poll.reader.Read(*source.map, poll.deadline,
                                     [&](const Rows& rows) { return source.evaluator->Add(rows); });
  source.results = source.evaluator->Finish(read);
  for (const Result<Evaluated>& result : source.results)
    if (result) poll.series_left -= result->series();
}

// Keeps the result of a poll; reports changes.
void ProgramSources::Account(MetricReader& reader, bool known, const Result<Evaluated>& evaluated,
                             ProgramPoll& poll) const {
  MetricStatus& status = reader.status;
  if (evaluated) {
    status.entries = evaluated->entries;
    status.unwanted += evaluated->unwanted;
    status.over_limit += evaluated->over_limit;
    status.undecodable_events += evaluated->undecodable;
    *decoder_errors_ += evaluated->undecodable;
    status.problem.reset();
    if (std::exchange(reader.failed, false))
      poll.said.push_back({Notice::Severity::kInfo, "metric " + status.name + " is there again"});
    return;
  }
  const Error& error = evaluated.error();
  status.entries = 0;
  status.problem = error;
  ++status.missing[error.kind];
  if (error.kind == ErrorKind::kInvalid) ++*decoder_errors_;
  if (known) return;
  if (poll.missing++ == 0) poll.first_missing = status.name + ": " + error.message;
  if (!std::exchange(reader.failed, true)) {
    poll.said.push_back({Notice::Severity::kWarning,
                         fmt::format("metric {} is missing: {}", status.name, error.message)});
  }
}

std::vector<MetricStatus> ProgramSources::Metrics() const {
  std::vector<MetricStatus> statuses;
  for (const auto& reader : metrics_) {
    statuses.push_back(reader->status);
    if (!statuses.back().problem) statuses.back().problem = reader->problem();
  }
  return statuses;
}

std::vector<SpansStatus> ProgramSources::Spans() const {
  std::vector<SpansStatus> statuses;
  for (const auto& reader : spans_) statuses.push_back(reader->Status());
  return statuses;
}

std::vector<MetricStatus> ProgramSources::MetricsBeforePolls() const {
  std::vector<MetricStatus> statuses;
  for (const auto& reader : metrics_)
    statuses.push_back({.name = reader->plan().name, .problem = reader->problem()});
  return statuses;
}

}  // namespace bpftally
