#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "programs/decode/decoder.h"
#include "programs/read/event_reader.h"

namespace bpftally {

// The labels of one event by its first bytes, as many as the counter's key_size. Called on the
// reader's thread, at the event's time: what it names may be gone later.
using EventDecoder = std::function<Result<Decoder::Verdict>(std::span<const std::byte> event,
                                                            std::vector<std::string>& labels)>;

struct EventCounterOptions {
  size_t key_size = 0;                                              // shorter events do not decode
  std::chrono::nanoseconds flush_interval = std::chrono::hours(1);  // all is forgotten so often
  size_t max_series = 10'000;
};

struct EventSeries {
  std::vector<std::string> labels;  // as the decoder gave them
  uint64_t count = 0;
};

// What was counted until one moment.
struct EventCounts {
  std::vector<EventSeries> series;  // in no order
  int64_t start_time_ns = 0;        // wall clock: since when
  // What follows is never forgotten.
  uint64_t lost = 0;           // the kernel had no room for them
  uint64_t over_limit = 0;     // events of a series too many
  uint64_t decode_errors = 0;  // events
};

// Counts the events of one map, a series for each set of labels.
class EventCounter final : public EventSink {
 public:
  // `clock` must outlive it.
  EventCounter(EventCounterOptions options, EventDecoder decode, const Clock& clock);

  void OnEvent(std::span<const std::byte> event) override;
  void OnLost(uint64_t count) override;

  // Any thread.
  EventCounts Counts();

 private:
  void FlushIfDue();
  EventSeries* FindOrAdd();

  const EventCounterOptions options_;
  const EventDecoder decode_;
  const Clock& clock_;

  // Of the reader's thread; kept for their memory.
  std::vector<std::string> labels_;
  std::string joined_;

  std::mutex mutex_;
  std::unordered_map<std::string, EventSeries> series_;  // by joined labels
  std::chrono::steady_clock::time_point flushed_;
  EventCounts totals_;  // without series
};

}  // namespace bpftally
