#include "host/cached_table.h"

#include <utility>

namespace bpftally {

void CachedTable::Read(TimePoint now) {
  tried_ = now;
  auto table = loader_();
  if (!table) return;
  table_ = std::move(*table);
  read_ = now;
}

bool CachedTable::Available(TimePoint now) {
  used_ = now;
  const bool fresh = table_ && now - read_ < ages_.refresh;
  if (!fresh && MayRead(now)) Read(now);
  return table_.has_value();
}

std::optional<std::string_view> CachedTable::Find(uint64_t key, TimePoint now) {
  if (!Available(now)) return std::nullopt;
  if (const auto name = table_->Find(key)) return name;
  if (!MayRead(now)) return std::nullopt;
  Read(now);
  return table_->Find(key);
}

std::optional<std::string_view> CachedTable::FindAtOrBelow(uint64_t key, TimePoint now) {
  if (!Available(now)) return std::nullopt;
  return table_->FindAtOrBelow(key);
}

void CachedTable::Trim(TimePoint now) {
  if (table_ && now - used_ >= ages_.idle) table_.reset();
}

}  // namespace bpftally
