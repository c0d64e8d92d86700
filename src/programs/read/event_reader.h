#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/clock.h"
#include "base/error.h"
#include "kernel/map_handle.h"

namespace bpftally {

// Takes the events of one map, on the reader's thread.
class EventSink {
 public:
  EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;
  virtual ~EventSink() = default;

  virtual void OnEvent(std::span<const std::byte> event) = 0;
  // Reports how many events the kernel had no room for; unknown for ring buffers.
  virtual void OnLost(uint64_t count) = 0;
};

struct EventReaderOptions {
  size_t perf_pages = 1024;  // for each CPU and map: a power of two; fewer on many CPUs
};

// Empties perf and ring buffers on one thread, which sleeps in the kernel while there are no
// events. Events that a program sends without waking us are seen within 300 ms. All methods may be
// called at any time, by one thread.
class EventReader {
 public:
  // Opens the buffer, which from now on keeps events, even before Start(). `map` is a
  // PERF_EVENT_ARRAY or a RINGBUF; map and `sink` must live until Remove(). If a map has several
  // sinks, each gets all events.
  virtual Result<void> Add(const MapHandle& map, EventSink& sink) = 0;

  // Removes a sink, which is not called any more when this returns; the others of its map miss
  // nothing. Closes the buffer of a map without sinks.
  virtual void Remove(EventSink& sink) = 0;

  // Starts reading. Called once, after capabilities are dropped: the thread has those of its maker.
  // The thread exists only while there are maps.
  virtual Result<void> Start() = 0;

  EventReader() = default;
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;
  virtual ~EventReader() = default;  // waits for the thread
};

std::unique_ptr<EventReader> MakeEventReader(const EventReaderOptions& options);

}  // namespace bpftally
