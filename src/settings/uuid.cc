#include "settings/uuid.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <span>

namespace bpftally {
namespace {

// Computes SHA-1 (RFC 3174), which version 5 demands and none of our libraries offers.
class Sha1 {
 public:
  static std::array<uint32_t, 5> Of(std::string text) {
    Sha1 sha;
    const uint64_t bits = uint64_t{text.size()} * 8;
    text += '\x80';
    while (text.size() % kBlock != kBlock - sizeof(bits)) text += '\0';
    for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(bits >> shift);
    for (size_t at = 0; at < text.size(); at += kBlock)
      sha.Add(std::span(text).subspan(at).first<kBlock>());
    return sha.state_;
  }

 private:
  static constexpr size_t kBlock = 64;
  static constexpr size_t kRounds = 80;

  static uint32_t Mix(size_t round, uint32_t b, uint32_t c, uint32_t d) {
    if (round < 20) return ((b & c) | (~b & d)) + 0x5A827999;
    if (round < 40) return (b ^ c ^ d) + 0x6ED9EBA1;
    if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC;
    return (b ^ c ^ d) + 0xCA62C1D6;
  }

  void Add(std::span<const char, kBlock> block) {
    std::array<uint32_t, kRounds> words{};
    for (size_t i = 0; i < kBlock; ++i)
      words[i / 4] = words[i / 4] << 8 | static_cast<uint8_t>(block[i]);
    for (size_t i = 16; i < kRounds; ++i)
      words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    auto [a, b, c, d, e] = state_;
    for (size_t i = 0; i < kRounds; ++i) {
      const uint32_t next = std::rotl(a, 5) + Mix(i, b, c, d) + e + words[i];
      e = d;
      d = c;
      c = std::rotl(b, 30);
      b = a;
      a = next;
    }
    const std::array<uint32_t, 5> result = {a, b, c, d, e};
    for (size_t i = 0; i < state_.size(); ++i) state_[i] += result[i];
  }

  std::array<uint32_t, 5> state_ = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
};

}  // namespace

std::string UuidV5(const UuidBytes& name_space, std::string_view name) {
  std::string text(name_space.begin(), name_space.end());
  const std::array<uint32_t, 5> hash = Sha1::Of(text.append(name));
  const uint32_t version = (hash[1] & 0xFFFF0FFF) | 0x5000;
  const uint32_t variant = (hash[2] & 0x3FFFFFFF) | 0x80000000;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", hash[0], version >> 16,
                     version & 0xFFFF, variant >> 16, variant & 0xFFFF, hash[3]);
}

}  // namespace bpftally
