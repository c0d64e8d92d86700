#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "export/otlp/otlp_pusher.h"
#include "model/span_record.h"

namespace bpftally {

// Distributes the spans of one source to several readers. A reader that lags more than `capacity`
// spans behind misses the rest, without delaying the others. Safe for any thread.
class OtlpSpanFeed {
 public:
  using Spans = std::vector<std::shared_ptr<const SpanRecord>>;

  explicit OtlpSpanFeed(size_t readers, size_t capacity = 4096)
      : capacity_(capacity), readers_(readers) {}

  // Sets the source, which one reader at a time will call. To be called before there is any reader.
  void SetSource(OtlpPusher::SpanSource source) { source_ = std::move(source); }

  // Returns the oldest spans that the reader has not popped yet.
  Spans Front(size_t reader, size_t most);
  void Pop(size_t reader, size_t count);

  // Number of spans that the reader missed.
  uint64_t dropped(size_t reader) const;

 private:
  struct Reader {
    std::deque<std::shared_ptr<const SpanRecord>> waiting;
    uint64_t dropped = 0;
  };

  void Fill();

  const size_t capacity_;
  OtlpPusher::SpanSource source_;
  mutable std::mutex mutex_;
  std::vector<Reader> readers_;  // under mutex_
};

}  // namespace bpftally
