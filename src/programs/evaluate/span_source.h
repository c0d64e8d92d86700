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

// Makes spans of one ring buffer's events. Labels of certain names say what the span is (trace_id,
// span_id, parent_span_id, span_monotonic_timestamp_ns, span_duration_ns, span_name), the others
// become its attributes. An id that is missing or zero is made up, but for the parent's.
class SpanSource final : public EventSink {
 public:
  // `tables`, of the reader's thread, `clock` and `queue` must outlive it. kInvalid as for labels.
  static Result<std::unique_ptr<SpanSource>> Make(const SpanPlan& plan, HostTables& tables,
                                                  const Clock& clock, SpanQueue& queue);

  void OnEvent(std::span<const std::byte> event) override;
  void OnLost(uint64_t) override {}  // ring buffers do not tell

  // Any thread.
  uint64_t spans() const { return spans_; }
  uint64_t dropped() const { return dropped_; }  // of them, since the queue was full
  uint64_t decode_errors() const { return decode_errors_; }

 private:
  SpanSource(const SpanPlan& plan, RowDecoder labels, const Clock& clock, SpanQueue& queue);

  Result<SpanRecord> MakeSpan();
  Result<void> Set(const std::string& label, const std::string& value, SpanRecord& span);
  template <size_t kSize>
  void MakeUpIfZero(std::array<uint8_t, kSize>& id);

  SpanRecord blank_;  // what all spans have
  RowDecoder labels_;
  const Clock& clock_;
  SpanQueue& queue_;
  std::mt19937_64 random_;
  std::atomic<uint64_t> spans_ = 0;
  std::atomic<uint64_t> dropped_ = 0;
  std::atomic<uint64_t> decode_errors_ = 0;
};

}  // namespace bpftally
