#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "programs/evaluate/row_decoder.h"
#include "programs/evaluate/span_queue.h"
#include "programs/plan/plan.h"
#include "programs/read/event_reader.h"

namespace bpftally {

// Makes spans from the events of one ring buffer. Labels of certain names define the span
// (trace_id, span_id, parent_span_id, span_monotonic_timestamp_ns, span_duration_ns, span_name),
// the others become its attributes. An id that is missing or zero is made up, except the parent's.
class SpanSource final : public EventSink {
 public:
  // Makes a source, which `tables` (used by the reader's thread alone), `clock` and `queue` must
  // outlive. Fails with kInvalid as labels do.
  static Result<std::unique_ptr<SpanSource>> Make(const SpanPlan& plan, HostTables& tables,
                                                  const Clock& clock, SpanQueue& queue);

  void OnEvent(std::span<const std::byte> event) override;
  void OnLost(uint64_t) override {}  // ring buffers never report losses

  // Methods for any thread.
  uint64_t spans() const { return spans_; }
  uint64_t dropped() const { return dropped_; }  // spans lost because the queue was full
  uint64_t decode_errors() const { return decode_errors_; }

 private:
  SpanSource(const SpanPlan& plan, RowDecoder labels, const Clock& clock, SpanQueue& queue);

  Result<SpanRecord> MakeSpan();
  Result<void> Set(const std::string& label, const std::string& value, SpanRecord& span);
  template <size_t kSize>
  void MakeUpIfZero(std::array<uint8_t, kSize>& id);

  SpanRecord blank_;  // fields that all spans share
  RowDecoder labels_;
  const Clock& clock_;
  SpanQueue& queue_;
  std::mt19937_64 random_;
  std::atomic<uint64_t> spans_ = 0;
  std::atomic<uint64_t> dropped_ = 0;
  std::atomic<uint64_t> decode_errors_ = 0;
};

}  // namespace bpftally
