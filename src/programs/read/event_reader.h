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
  // The kernel had no room for so many. Not known of ring buffers.
  virtual void OnLost(uint64_t count) = 0;
};

struct EventReaderOptions {
  size_t perf_pages = 1024;  // for each CPU and map: a power of two; fewer on many CPUs
};

// Drains perf and ring buffers on one thread, which sleeps in the kernel while there is nothing.
// What a program hands over without waking anybody is seen within 300 ms. All methods may be called
// at any time, by one thread.
class EventReader {
 public:
  // The buffer is ready from now on and keeps what comes, also before Start(). `map` is a
  // PERF_EVENT_ARRAY or a RINGBUF; map and `sink` must live until Remove(). Each of several sinks
  // of one map gets all events.
  virtual Result<void> Add(const MapHandle& map, EventSink& sink) = 0;

  // `sink` is not called any more when this returns; the others of its map miss nothing. A map
  // without sinks is let go.
  virtual void Remove(EventSink& sink) = 0;

  // Once, after capabilities are dropped: the thread has those that its maker has. There is a
  // thread only while there are maps.
  virtual Result<void> Start() = 0;

  EventReader() = default;
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;
  virtual ~EventReader() = default;  // waits for the thread
};

std::unique_ptr<EventReader> MakeEventReader(const EventReaderOptions& options);

}  // namespace bpftally
