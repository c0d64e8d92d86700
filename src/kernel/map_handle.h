#pragma once

#include <cstdint>
#include <string>

namespace bpftally {

// An open map and its facts. The owner of `fd` must outlive the handle.
struct MapHandle {
  std::string name;  // whole, as in the object
  int fd = -1;
  uint32_t id = 0;
  uint32_t type = 0;  // BPF_MAP_TYPE_*
  uint32_t key_size = 0;
  uint32_t value_size = 0;
  uint32_t max_entries = 0;
  uint32_t flags = 0;  // BPF_F_*
};

}  // namespace bpftally
