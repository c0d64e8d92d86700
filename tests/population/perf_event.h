#pragma once

#include <linux/perf_event.h>

#include <cstdint>
#include <optional>

#include "base/unique_fd.h"

namespace bpftally {

// A system-wide event on one CPU; empty, with errno, when refused.
UniqueFd OpenPerfEvent(perf_event_attr attr, int cpu);

// "subsystem/event"; type 0 and so refused when there is no such tracepoint.
perf_event_attr TracepointAttr(const char* tracepoint);

// The buffer of one CPU that bpf_perf_event_output() writes to and nobody reads.
class UnreadPerfBuffer {
 public:
  explicit UnreadPerfBuffer(int cpu);
  ~UnreadPerfBuffer();
  UnreadPerfBuffer(const UnreadPerfBuffer&) = delete;
  UnreadPerfBuffer& operator=(const UnreadPerfBuffer&) = delete;

  int fd() const { return event_.get(); }
  static uint64_t DataBytes();
  std::optional<uint64_t> Lost() const;  // as perf itself counts, from 6.0

 private:
  UniqueFd event_;
  void* memory_ = nullptr;
};

}  // namespace bpftally
