#include "census/key_counter.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include "kernel/bpf_sys.h"

namespace bpftally {
namespace {

// Walks over the keys. If the key that the walk has reached is deleted, the kernel begins anew at
// the first one, and counted keys come again. That shows by a key that comes twice or, where all
// earlier keys are gone, by another first key than the walk began with. Such a walk is discarded.
class KeyCounter {
 public:
  KeyCounter(const Pass& pass, int fd, const MapInfo& map, size_t limit)
      : pass_(pass),
        fd_(fd),
        limit_(std::min<size_t>(limit, map.max_entries)),
        next_(map.key_size) {}

  std::optional<uint64_t> Count() {
    for (int walk = 0; walk < kMostWalks; ++walk) {
      const End end = Walk();
      if (end == End::kReached) return seen_.size();
      if (end == End::kUnknown) break;
    }
    return std::nullopt;
  }

 private:
  enum class End { kReached, kBeganAnew, kUnknown };

  static constexpr int kMostWalks = 4;

  End Walk() {
    seen_.clear();
    key_.clear();
    while (seen_.size() <= limit_) {
      if (seen_.size() % 1024 == 0 && !pass_.CheckDeadline()) return End::kUnknown;
      const auto more = pass_.sys.NextKey(fd_, key_, next_);
      if (!more) return End::kUnknown;
      if (!*more) return CheckWalk();
      key_ = next_;
      const size_t hash = Hash(key_);
      if (!seen_.empty() && hash == seen_.front()) return End::kBeganAnew;
      seen_.push_back(hash);
    }
    return End::kUnknown;
  }

  End CheckWalk() {
    if (seen_.empty()) return End::kReached;
    const auto any = pass_.sys.NextKey(fd_, {}, next_);
    if (!any) return End::kUnknown;
    const bool same_first = *any && Hash(next_) == seen_.front();
    std::ranges::sort(seen_);
    const bool twice = std::ranges::adjacent_find(seen_) != seen_.end();
    return same_first && !twice ? End::kReached : End::kBeganAnew;
  }

  // Kept instead of the keys. Where two keys have the same hash, their number is unknown.
  static size_t Hash(const std::vector<std::byte>& key) {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(key.data()), key.size()});
  }

  const Pass& pass_;
  const int fd_;
  const size_t limit_;
  std::vector<std::byte> key_;
  std::vector<std::byte> next_;
  std::vector<size_t> seen_;  // hashes of the keys of this walk
};

}  // namespace

std::optional<uint64_t> CountKeys(const Pass& pass, int fd, const MapInfo& map, size_t limit) {
  return KeyCounter(pass, fd, map, limit).Count();
}

}  // namespace bpftally
