#include "programs/plan/published_name.h"

namespace bpftally {

std::string PublishedName(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (const char c : name) {
    if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80) continue;  // still the character before
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9' && !out.empty();
    out += letter || digit ? c : '_';
  }
  return out;
}

}  // namespace bpftally
