#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include "export/prometheus/text_sink.h"

namespace bpftally {

// Copies a text, and tells whether something in it may want an escape.
bool CopyLooking(char* to, std::string_view text);

// Gathers what is appended into pieces for the sink.
class TextOutput {
 public:
  // `sink` must outlive it. It gets the last piece by Flush only.
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

  // Appends text in which nothing is to be escaped, as in hardly any there is; else does nothing.
  bool AppendPlain(std::string_view text) {
    if (text.size() > Left()) Flush();
    if (text.size() > kPieceBytes) return false;
    if (CopyLooking(buffer_.get() + used_, text)) return false;
    used_ += text.size();
    return true;
  }

  // Room for so many bytes, to be written in place; then Advance to their end. Null where no piece
  // has so much.
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
  static constexpr size_t kPieceBytes = size_t{32} * 1024;

  size_t Left() const { return kPieceBytes - used_; }
  void Copy(std::string_view text) {
    std::memcpy(buffer_.get() + used_, text.data(), text.size());
    used_ += text.size();
  }

  const TextSink& sink_;
  std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(kPieceBytes);
  size_t used_ = 0;
};

}  // namespace bpftally
