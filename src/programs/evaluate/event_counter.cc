#include "programs/evaluate/event_counter.h"

#include <utility>

namespace bpftally {
namespace {

// No two sets give the same, whatever bytes are in them.
void Join(const std::vector<std::string>& labels, std::string& joined) {
  joined.clear();
  for (const std::string& label : labels) {
    joined += std::to_string(label.size());
    joined += ':';
    joined += label;
  }
}

}  // namespace

EventCounter::EventCounter(EventCounterOptions options, EventDecoder decode, const Clock& clock)
    : options_(options), decode_(std::move(decode)), clock_(clock), flushed_(clock.Now()) {
  totals_.start_time_ns = clock.WallNanoseconds();
}

void EventCounter::OnEvent(std::span<const std::byte> event) {
  const bool whole = event.size() >= options_.key_size;
  const auto verdict = whole ? decode_(event.first(options_.key_size), labels_)
                             : Result<Decoder::Verdict>(std::unexpected(Error{}));
  if (verdict && *verdict == Decoder::Verdict::kDrop) return;
  if (verdict) Join(labels_, joined_);

  const std::scoped_lock lock(mutex_);
  FlushIfDue();
  if (!verdict) {
    ++totals_.decode_errors;
  } else if (EventSeries* series = FindOrAdd()) {
    ++series->count;
  } else {
    ++totals_.over_limit;
  }
}

void EventCounter::OnLost(uint64_t count) {
  const std::scoped_lock lock(mutex_);
  totals_.lost += count;
}

EventCounts EventCounter::Counts() {
  const std::scoped_lock lock(mutex_);
  FlushIfDue();
  EventCounts counts = totals_;
  counts.series.reserve(series_.size());
  for (const auto& [key, series] : series_) counts.series.push_back(series);
  return counts;
}

void EventCounter::FlushIfDue() {
  if (options_.flush_interval <= std::chrono::nanoseconds(0)) return;
  const auto now = clock_.Now();
  if (now - flushed_ < options_.flush_interval) return;
  // Flushes keep their pace, whenever somebody looks.
  flushed_ += (now - flushed_) / options_.flush_interval * options_.flush_interval;
  series_ = {};
  totals_.start_time_ns = clock_.WallNanoseconds() - (now - flushed_).count();
}

EventSeries* EventCounter::FindOrAdd() {
  if (const auto found = series_.find(joined_); found != series_.end()) return &found->second;
  if (series_.size() >= options_.max_series) return nullptr;
  return &series_.emplace(joined_, EventSeries{labels_, 0}).first->second;
}

}  // namespace bpftally
