#pragma once

#include <chrono>
#include <cstddef>
#include <unordered_map>
#include <utility>

namespace bpftally {

// Holds what was used lately: never more than `capacity` entries, and an unused entry is gone after
// one to two lives. Keeps two generations, so that it needs neither a scan nor a list.
template <typename Key, typename Value>
class AgingCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  AgingCache(size_t capacity, std::chrono::nanoseconds life) : half_(capacity / 2), life_(life) {}

  // Creates an empty value where there is none; the reference lives until the next call.
  Value& Touch(const Key& key, TimePoint now) {
    Trim(now);
    if (const auto found = young_.find(key); found != young_.end()) return found->second;
    if (young_.size() >= half_) Turn(now);
    if (auto node = old_.extract(key)) return young_.insert(std::move(node)).position->second;
    return young_[key];
  }

  void Trim(TimePoint now) {
    if (now - turned_ >= life_) Turn(now);
  }

  size_t size() const { return young_.size() + old_.size(); }

 private:
  void Turn(TimePoint now) {
    old_ = std::exchange(young_, {});
    turned_ = now;
  }

  size_t half_;
  std::chrono::nanoseconds life_;
  std::unordered_map<Key, Value> young_;
  std::unordered_map<Key, Value> old_;
  TimePoint turned_{};
};

}  // namespace bpftally
