#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "host/aging_cache.h"

namespace bpftally {

// Finds names of cgroups by id (kernfs node id), which is never used twice. Asks the kernel for one
// where that is allowed, else walks the tree. A cgroup that is gone keeps its name for a while, so
// that its last counts can still be read.
class CgroupNames {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  // Returns the path below the root of cgroup v2, "/" for the root; kVanished where no cgroup has
  // the id.
  using Resolver = std::function<Result<std::string>(uint64_t id)>;

  static constexpr size_t kCapacity = 65536;
  static constexpr std::chrono::minutes kLife{10};       // of the name of what is gone
  static constexpr std::chrono::seconds kKnownFor{60};   // then the kernel is asked again
  static constexpr std::chrono::seconds kUnknownFor{5};  // the same, and between two walks

  // `root`: where cgroup v2 is mounted.
  CgroupNames(std::string root, Resolver resolve)
      : root_(std::move(root)), resolve_(std::move(resolve)), cache_(kCapacity, kLife) {}

  // Returns the path with the root in front. Views live until the next call.
  std::optional<std::string_view> Find(uint64_t id, TimePoint now);

  void Trim(TimePoint now);
  size_t size() const { return cache_.size() + walked_.size(); }

 private:
  struct Entry {
    std::string path;  // empty: never seen
    TimePoint seen{};
    std::optional<TimePoint> asked;
  };
  std::optional<std::string> Ask(uint64_t id, TimePoint now);
  void Walk(TimePoint now);

  std::string root_;
  Resolver resolve_;
  AgingCache<uint64_t, Entry> cache_;
  std::unordered_map<uint64_t, std::string> walked_;
  std::optional<TimePoint> walked_at_;
};

}  // namespace bpftally
