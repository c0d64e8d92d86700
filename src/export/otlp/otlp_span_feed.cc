#include "export/otlp/otlp_span_feed.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace bpftally {

OtlpSpanFeed::Spans OtlpSpanFeed::Front(size_t reader, size_t most) {
  const std::lock_guard lock(mutex_);
  Fill();
  const auto& waiting = readers_.at(reader).waiting;
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, waiting.size()));
  return {waiting.begin(), std::next(waiting.begin(), count)};
}

void OtlpSpanFeed::Pop(size_t reader, size_t count) {
  const std::lock_guard lock(mutex_);
  auto& waiting = readers_.at(reader).waiting;
  const auto end = static_cast<std::ptrdiff_t>(std::min(count, waiting.size()));
  waiting.erase(waiting.begin(), std::next(waiting.begin(), end));
}

uint64_t OtlpSpanFeed::dropped(size_t reader) const {
  const std::lock_guard lock(mutex_);
  return readers_.at(reader).dropped;
}

void OtlpSpanFeed::Fill() {
  if (!source_) return;
  for (SpanRecord& record : source_(capacity_)) {
    const auto span = std::make_shared<const SpanRecord>(std::move(record));
    for (Reader& reader : readers_) {
      if (reader.waiting.size() < capacity_) {
        reader.waiting.push_back(span);
      } else {
        ++reader.dropped;
      }
    }
  }
}

}  // namespace bpftally
