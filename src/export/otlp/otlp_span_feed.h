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

// Gives each span of one source to several readers. A reader that lags behind misses what is more
// than `capacity`, and holds no other. Any thread.
class OtlpSpanFeed {
 public:
  using Spans = std::vector<std::shared_ptr<const SpanRecord>>;

  explicit OtlpSpanFeed(size_t readers, size_t capacity = 4096)
      : capacity_(capacity), readers_(readers) {}

  // Called by one reader at a time; before there is any.
  void SetSource(OtlpPusher::SpanSource source) { source_ = std::move(source); }

  // The oldest ones that the reader has not had; the same again until it pops them.
  Spans Front(size_t reader, size_t most);
  void Pop(size_t reader, size_t count);

  // How many the reader missed.
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
