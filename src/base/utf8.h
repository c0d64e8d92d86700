#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace bpftally {

// Label values mostly are, and hundreds of thousands of them are looked at in a scrape.
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

// The text with each maximal invalid part replaced by U+FFFD: what comes from the kernel, from file
// names and from map keys is untrusted bytes, and both Prometheus and OTLP demand UTF-8.
std::string ToValidUtf8(std::string_view text);

// For messages of one line: valid UTF-8, a space for each control character, and no more than so
// many bytes of the text.
std::string ToOneLine(std::string_view text, size_t most = std::string_view::npos);

}  // namespace bpftally
