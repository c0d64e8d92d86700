#include "host/name_table.h"

#include <algorithm>
#include <tuple>

namespace bpftally {

void NameTable::Add(uint64_t key, std::string_view name) {
  if (names_.size() + name.size() > kMaxBytes) return;
  entries_.push_back(
      {key, static_cast<uint32_t>(names_.size()), static_cast<uint32_t>(name.size())});
  names_.append(name);
}

void NameTable::Sort() {
  std::ranges::sort(entries_, {},
                    [](const Entry& entry) { return std::tuple(entry.key, entry.begin); });
  entries_.shrink_to_fit();
  names_.shrink_to_fit();
}

const NameTable::Entry* NameTable::LastAtOrBelow(uint64_t key) const {
  const auto above = std::ranges::upper_bound(entries_, key, {}, &Entry::key);
  return above == entries_.begin() ? nullptr : &*std::prev(above);
}

std::optional<std::string_view> NameTable::Find(uint64_t key) const {
  const Entry* entry = LastAtOrBelow(key);
  if (entry == nullptr || entry->key != key) return std::nullopt;
  return NameOf(*entry);
}

std::optional<std::string_view> NameTable::FindAtOrBelow(uint64_t key) const {
  const Entry* entry = LastAtOrBelow(key);
  if (entry == nullptr) return std::nullopt;
  return NameOf(*entry);
}

}  // namespace bpftally
