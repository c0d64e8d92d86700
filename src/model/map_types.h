#pragma once

#include <cstdint>
#include <string_view>

namespace bpftally {

// What the kernel does with a map of one type. Every question about a type of map is answered by
// this table, so that no two parts of the code answer it differently.
struct MapType {
  std::string_view name;  // as bpftool prints it: "percpu_hash"; empty for a type unknown to us

  bool is_array = false;         // keys 0 to max_entries - 1, all of them there from the start
  bool is_hash = false;          // a table of buckets: a batch holds whole ones, so no key twice
  bool is_per_cpu = false;       // an entry has a value for each possible CPU
  bool is_event_buffer = false;  // a stream from BPF programs to user space, without entries
  bool is_ring_buffer = false;   // max_entries is the size in bytes

  bool can_hold_metrics = false;    // keys can be listed, and values are the program's own bytes
  bool has_countable_keys = false;  // keys come and go, and listing them gives their number
  bool has_varying_memory = false;  // with its entries; a hash does so if it is not preallocated
};

// The row of an enum bpf_map_type; one row for all types that are newer than this table.
const MapType& MapTypeOf(uint32_t type);

}  // namespace bpftally
