#include "base/byte_index.h"

#include <algorithm>
#include <functional>

namespace bpftally {
namespace {

constexpr size_t kFewestSlots = 64;

}  // namespace

std::string_view ByteIndex::operator[](size_t number) const {
  const size_t begin = number == 0 ? 0 : ends_[number - 1];
  return {bytes_.data() + begin, ends_[number] - begin};
}

// Returns the slot of the bytes, or the free slot where they belong.
size_t ByteIndex::SlotOf(std::string_view bytes) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = std::hash<std::string_view>()(bytes) & mask;
  while (slots_[slot] != 0 && (*this)[slots_[slot] - 1] != bytes) slot = (slot + 1) & mask;
  return slot;
}

ByteIndex::Place ByteIndex::Insert(std::string_view bytes) {
  if (slots_.size() <= 2 * size()) Grow();
  uint32_t& slot = slots_[SlotOf(bytes)];
  if (slot != 0) return {slot - 1U, false};
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  ends_.push_back(bytes_.size());
  slot = static_cast<uint32_t>(size());
  return {size() - 1, true};
}

bool ByteIndex::Contains(std::string_view bytes) const {
  return !slots_.empty() && slots_[SlotOf(bytes)] != 0;
}

void ByteIndex::Grow() {
  slots_.assign(std::max(kFewestSlots, 2 * slots_.size()), 0);
  for (size_t number = 0; number < size(); ++number)
    slots_[SlotOf((*this)[number])] = static_cast<uint32_t>(number + 1);
}

void ByteIndex::Clear() {
  bytes_.clear();
  ends_.clear();
  std::ranges::fill(slots_, 0U);
}

}  // namespace bpftally
