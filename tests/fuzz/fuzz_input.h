#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace bpftally {

// Takes a fuzzer's bytes apart, front to back. At their end everything is zero and empty.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }

  std::string_view Take(size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // With its length in front, at most `most` bytes.
  std::string_view Text(size_t most) { return Take(Below(most + 1)); }

  // A number below `end`, of no more bytes than that needs; 0: any.
  uint64_t Below(uint64_t end) {
    const auto bits = static_cast<size_t>(end == 0 ? 64 : std::bit_width(end - 1));
    uint64_t number = 0;
    const std::string_view bytes = Take((bits + 7) / 8);
    if (!bytes.empty()) std::memcpy(&number, bytes.data(), bytes.size());
    return end == 0 ? number : number % end;
  }
  bool Flip() { return Below(2) == 1; }

 private:
  std::string_view rest_;
};

}  // namespace bpftally
