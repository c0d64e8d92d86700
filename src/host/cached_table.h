#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "host/name_table.h"

namespace bpftally {

// A table that is read at its first use, again for a name that is not in it, and dropped when idle.
class CachedTable {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Loader = std::function<Result<NameTable>()>;
  struct Ages {
    std::chrono::nanoseconds retry;    // between two reads, however many names are missing
    std::chrono::nanoseconds refresh;  // what it says may have changed by then
    std::chrono::nanoseconds idle;     // let go when not asked for so long
  };

  CachedTable(Loader loader, Ages ages) : loader_(std::move(loader)), ages_(ages) {}

  // Views live until the next call.
  std::optional<std::string_view> Find(uint64_t key, TimePoint now);
  std::optional<std::string_view> FindAtOrBelow(uint64_t key, TimePoint now);

  // Whether the table could be read at least once.
  bool Available(TimePoint now);

  void Trim(TimePoint now);
  size_t size() const { return table_ ? table_->size() : 0; }

 private:
  bool MayRead(TimePoint now) const { return !tried_ || now - *tried_ >= ages_.retry; }
  void Read(TimePoint now);

  Loader loader_;
  Ages ages_;
  std::optional<NameTable> table_;  // stays where a later read fails
  std::optional<TimePoint> tried_;
  TimePoint read_{};
  TimePoint used_{};
};

}  // namespace bpftally
