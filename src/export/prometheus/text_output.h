#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include "export/prometheus/text_sink.h"

namespace bpftally {

// Copies a text; returns whether it contains a character that may need escaping.
bool CopyFindingEscapes(char* to, std::string_view text);

// Collects appended text into chunks for the sink.
class TextOutput {
 public:
  // `sink` must outlive this object. The last chunk goes out only with Flush().
  explicit TextOutput(const TextSink& sink) : sink_(sink) {}

  void Append(std::string_view text) {
    while (text.size() > Left()) {
      const size_t fitting = Left();
      Copy(text.substr(0, fitting));
      text.remove_prefix(fitting);
      Flush();
    }
    Copy(text);
  }

  // Appends text that needs no escaping, as nearly all; otherwise appends nothing and returns
  // false.
  bool AppendPlain(std::string_view text) {
    if (text.size() > Left()) Flush();
    if (text.size() > kChunkBytes) return false;
    if (CopyFindingEscapes(buffer_.get() + used_, text)) return false;
    used_ += text.size();
    return true;
  }

  // Returns room for `bytes` bytes to write in place, followed by Advance(). Null if a chunk is
  // smaller.
  char* Room(size_t bytes) {
    if (Left() < bytes) Flush();
    return Left() < bytes ? nullptr : buffer_.get() + used_;
  }
  void Advance(const char* end) { used_ = static_cast<size_t>(end - buffer_.get()); }

  void Flush() {
    if (used_ > 0) sink_({buffer_.get(), used_});
    used_ = 0;
  }

 private:
  static constexpr size_t kChunkBytes = size_t{32} * 1024;

  size_t Left() const { return kChunkBytes - used_; }
  void Copy(std::string_view text) {
    std::memcpy(buffer_.get() + used_, text.data(), text.size());
    used_ += text.size();
  }

  const TextSink& sink_;
  std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(kChunkBytes);
  size_t used_ = 0;
};

}  // namespace bpftally
