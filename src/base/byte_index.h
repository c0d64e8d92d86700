#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace bpftally {

// Numbers distinct byte strings from 0, in the order of their first insertion. Does not allocate
// for each string.
class ByteIndex {
 public:
  struct Place {
    size_t number = 0;
    bool is_new = false;
  };
  Place Insert(std::string_view bytes);
  bool Contains(std::string_view bytes) const;

  size_t size() const { return ends_.size(); }
  std::string_view operator[](size_t number) const;

  void Clear();  // keeps the memory

 private:
  size_t SlotOf(std::string_view bytes) const;
  void Grow();

  std::vector<char> bytes_;      // all strings, one after another
  std::vector<size_t> ends_;     // end of each string
  std::vector<uint32_t> slots_;  // number + 1, or 0 if free; the size is a power of two
};

}  // namespace bpftally
