#include "base/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace bpftally {
namespace {

// Length of the valid sequence at the front of `text`, or 0 if there is none. `bad` is then the
// number of bytes to replace (the Unicode standard's "maximal subpart").
struct Sequence {
  size_t valid = 0;
  size_t bad = 1;
};

Sequence FirstSequence(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {.valid = 1};
  size_t length = 0;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;   // overlong
    if (lead == 0xED) high = 0x9F;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;   // overlong
    if (lead == 0xF4) high = 0x8F;  // above U+10FFFF
  } else {
    return {};
  }
  for (size_t i = 1; i < length; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high) return {.valid = 0, .bad = i};
    low = 0x80;
    high = 0xBF;
  }
  return {.valid = length};
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  if (IsAscii(text)) return true;
  while (!text.empty()) {
    const size_t valid = FirstSequence(text).valid;
    if (valid == 0) return false;
    text.remove_prefix(valid);
  }
  return true;
}

std::string ToValidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Sequence sequence = FirstSequence(text);
    if (sequence.valid > 0) {
      out.append(text.substr(0, sequence.valid));
      text.remove_prefix(sequence.valid);
    } else {
      out.append("\xEF\xBF\xBD");
      text.remove_prefix(sequence.bad);
    }
  }
  return out;
}

std::string ToOneLine(std::string_view text, size_t most) {
  std::string line = ToValidUtf8(text.substr(0, most));
  std::ranges::replace_if(line, [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  if (text.size() > most) line += "…";
  return line;
}

}  // namespace bpftally
