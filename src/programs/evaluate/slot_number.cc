#include "programs/evaluate/slot_number.h"

#include <fmt/format.h>

#include <charconv>

namespace bpftally {
namespace {

int BaseOf(std::string_view& text) {
  if (text.size() < 2 || text[0] != '0') return 10;
  const char kind = static_cast<char>(text[1] | 0x20);
  const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
  text.remove_prefix(base == 0 ? 1 : 2);
  return base == 0 ? 8 : base;
}

}  // namespace

Result<uint64_t> ParseSlot(std::string_view text) {
  std::string_view digits = text;
  const int base = BaseOf(digits);
  uint64_t slot = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), slot, base);
  if (error == std::errc() && end == digits.data() + digits.size()) return slot;
  return std::unexpected(
      Error{ErrorKind::kInternal, 0,
            fmt::format("the histogram's slot is \"{:.64}\", which is no unsigned number", text)});
}

}  // namespace bpftally
