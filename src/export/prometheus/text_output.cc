#include "export/prometheus/text_output.h"

#include <cstdint>
#include <cstring>

namespace bpftally {
namespace {

// Returns non-zero if any byte of the word is `c`.
uint64_t HasByte(uint64_t word, char c) {
  constexpr uint64_t kLow = 0x0101010101010101;
  constexpr uint64_t kHigh = 0x8080808080808080;
  const uint64_t zero_if_equal = word ^ (kLow * static_cast<unsigned char>(c));
  return (zero_if_equal - kLow) & ~zero_if_equal & kHigh;
}

// Does the work of CopyFindingEscapes for a text that is at least as long as a word.
template <typename Word>
bool CopyWords(char* to, std::string_view text) {
  uint64_t found = 0;
  const auto copy = [&](size_t at) {
    Word word = 0;
    std::memcpy(&word, text.data() + at, sizeof(word));
    std::memcpy(to + at, &word, sizeof(word));
    found |= HasByte(word, '\\') | HasByte(word, '\n') | HasByte(word, '"');
  };
  const size_t last = text.size() - sizeof(Word);
  for (size_t at = 0; at < last; at += sizeof(Word)) copy(at);
  copy(last);  // overlaps the one before
  return found != 0;
}

}  // namespace

// Checks and copies at once, word by word: doing both by character took half of the writer's time.
bool CopyFindingEscapes(char* to, std::string_view text) {
  if (text.size() >= sizeof(uint64_t)) return CopyWords<uint64_t>(to, text);
  if (text.size() >= sizeof(uint32_t)) return CopyWords<uint32_t>(to, text);
  if (text.size() >= sizeof(uint16_t)) return CopyWords<uint16_t>(to, text);
  return !text.empty() && CopyWords<uint8_t>(to, text);
}

}  // namespace bpftally
