#include "programs/evaluate/source_evaluator.h"

#include <algorithm>
#include <utility>

namespace bpftally {
namespace {

std::chrono::nanoseconds FlushIntervalOf(const SourcePlan& source) {
  const auto* events = std::get_if<EventSource>(&source.from);
  return events == nullptr ? std::chrono::nanoseconds(0) : events->flush_interval;
}

// Cuts `series` down to `left` and returns how many were dropped.
template <typename T>
uint64_t Trim(std::vector<T>& series, size_t left) {
  const size_t dropped = series.size() - std::min(series.size(), left);
  series.resize(series.size() - dropped);
  return dropped;
}

}  // namespace

Result<std::unique_ptr<Evaluator>> MakeEvaluator(const EvaluatorParts& parts) {
  if (std::holds_alternative<HistogramPlan>(parts.metric.instrument)) return MakeHistogram(parts);
  if (std::holds_alternative<GaugePlan>(parts.metric.instrument)) return MakeGauge(parts);
  return MakeCounter(parts);
}

SourceEvaluator::SourceEvaluator(const SourcePlan& source, const TextMap& constants,
                                 HostTables& tables, const Clock& clock)
    : of_events_(IsOfEvents(source)),
      event_size_(source.value_size),
      flush_interval_(FlushIntervalOf(source)),
      clock_(clock),
      flushed_(clock.Now()),
      counting_since_ns_(clock.WallNanoseconds()) {
  for (const MetricPlan& metric : source.metrics) {
    Part& part = parts_.emplace_back();
    part.unusable = metric.unusable;
    if (part.unusable) continue;
    auto evaluator = MakeEvaluator({source, metric, constants, tables});
    if (evaluator) {
      part.evaluator = std::move(*evaluator);
    } else {
      part.unusable = std::move(evaluator.error());
    }
  }
}

void SourceEvaluator::SetUnusable(size_t metric, Error error) {
  parts_[metric].evaluator = nullptr;
  parts_[metric].unusable = std::move(error);
}

bool SourceEvaluator::wanted() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return part.evaluator != nullptr; });
}

void SourceEvaluator::Begin(const EvaluationScope& scope) {
  FlushIfDue();
  max_series_ = scope.max_series;
  EvaluationScope own = scope;
  if (of_events_) own.start_time_ns = counting_since_ns_;
  for (Part& part : parts_) {
    part.failed.reset();
    if (part.evaluator != nullptr) part.evaluator->Begin(own);
  }
}

Result<void> SourceEvaluator::Add(const Rows& rows) {
  FlushIfDue();
  for (Part& part : parts_)
    if (IsRunning(part)) AddTo(part, rows);
  const auto running = [&](const Part& part) { return IsRunning(part); };
  if (parts_.empty() || std::ranges::any_of(parts_, running)) return {};
  const Part& first = parts_.front();
  return std::unexpected(first.failed ? *first.failed : *first.unusable);
}

void SourceEvaluator::AddTo(Part& part, const Rows& rows) {
  if (of_events_ && rows.value_size < event_size_) {
    ++part.undecodable;
  } else if (auto added = part.evaluator->Add(rows); !added) {
    if (of_events_) {
      ++part.undecodable;
    } else {
      part.failed = std::move(added.error());
    }
  }
}

void SourceEvaluator::FlushIfDue() {
  if (flush_interval_ <= std::chrono::nanoseconds(0)) return;
  const auto now = clock_.Now();
  if (now - flushed_ < flush_interval_) return;
  // Flushes keep their rhythm, whatever the times of the polls.
  flushed_ += (now - flushed_) / flush_interval_ * flush_interval_;
  counting_since_ns_ = clock_.WallNanoseconds() - (now - flushed_).count();
  for (Part& part : parts_)
    if (part.evaluator != nullptr) part.evaluator->Forget();
}

std::vector<Result<Evaluated>> SourceEvaluator::Finish(const Result<void>& read) {
  std::vector<Result<Evaluated>> results;
  size_t left = max_series_;
  for (Part& part : parts_) {
    Result<Evaluated>& result = results.emplace_back(FinishPart(part, read));
    if (!result) continue;
    result->over_limit += Trim(result->samples, left) + Trim(result->histograms, left);
    left -= result->series();
  }
  return results;
}

Result<Evaluated> SourceEvaluator::FinishPart(Part& part, const Result<void>& read) {
  if (part.unusable) return std::unexpected(*part.unusable);
  if (part.failed) return std::unexpected(*part.failed);
  if (!read) return std::unexpected(read.error());
  Evaluated evaluated = part.evaluator->Finish();
  evaluated.undecodable += std::exchange(part.undecodable, 0);
  return evaluated;
}

void SourceEvaluator::FreeBuffers() {
  for (Part& part : parts_)
    if (part.evaluator != nullptr) part.evaluator->FreeBuffers();
}

}  // namespace bpftally
