#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpftally {

// Many names by number, in one buffer: 120,000 kernel symbols take 5 MiB.
class NameTable {
 public:
  // Names after the first kMaxBytes are left out. Call Sort() after the last name and before
  // Find().
  static constexpr size_t kMaxBytes = size_t{64} << 20;
  void Add(uint64_t key, std::string_view name);
  void Sort();

  // Returns the last one added of several names with one key. Views live as long as the table.
  std::optional<std::string_view> Find(uint64_t key) const;
  std::optional<std::string_view> FindAtOrBelow(uint64_t key) const;

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint64_t key = 0;
    uint32_t begin = 0;  // in names_
    uint32_t length = 0;
  };
  const Entry* LastAtOrBelow(uint64_t key) const;
  std::string_view NameOf(const Entry& entry) const {
    return std::string_view(names_).substr(entry.begin, entry.length);
  }

  std::vector<Entry> entries_;
  std::string names_;
};

}  // namespace bpftally
