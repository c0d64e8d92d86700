#pragma once

#include <linux/perf_event.h>

#include <cstdint>
#include <optional>

#include "base/unique_fd.h"

namespace bpftally {

// Opens a system-wide event on one CPU. Empty, with errno set, on failure.
UniqueFd OpenPerfEvent(perf_event_attr attr, int cpu);

// Describes the tracepoint "subsystem/event". Without such a tracepoint the type is 0, which the
// kernel refuses.
perf_event_attr TracepointAttr(const char* tracepoint);

// The buffer of one CPU, which bpf_perf_event_output() writes to and nobody reads.
class UnreadPerfBuffer {
 public:
  explicit UnreadPerfBuffer(int cpu);
  ~UnreadPerfBuffer();
  UnreadPerfBuffer(const UnreadPerfBuffer&) = delete;
  UnreadPerfBuffer& operator=(const UnreadPerfBuffer&) = delete;

  int fd() const { return event_.get(); }
  static uint64_t DataBytes();
  std::optional<uint64_t> Lost() const;  // by perf's own count; 6.0

 private:
  UniqueFd event_;
  void* memory_ = nullptr;
};

}  // namespace bpftally
