#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace bpftally {

// Tells whether all bytes are ASCII. Quick, since a scrape checks hundreds of thousands of label
// values, nearly all of them ASCII.
inline bool IsAscii(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  uint64_t seen = 0;
  while (text.size() >= sizeof seen) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    seen |= word;
    text.remove_prefix(sizeof word);
  }
  for (const char c : text) seen |= static_cast<unsigned char>(c);
  return (seen & kHighBits) == 0;
}

bool IsValidUtf8(std::string_view text);

// Replaces each maximal invalid part by U+FFFD. Bytes from the kernel, from file names and from map
// keys are untrusted, and both Prometheus and OTLP demand UTF-8.
std::string ToValidUtf8(std::string_view text);

// Makes text fit for a one-line message: valid UTF-8, a space for each control character, and at
// most `most` bytes of the text.
std::string ToOneLine(std::string_view text, size_t most = std::string_view::npos);

}  // namespace bpftally
