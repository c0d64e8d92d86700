#pragma once

#include <cstdint>
#include <string_view>

namespace bpftally {

// Describes what the kernel does with a map of one type. This table answers every question about a
// type of map, so that no two parts of the code answer it differently.
struct MapType {
  std::string_view name;  // as printed by bpftool: "percpu_hash"; empty for a type unknown to us

  bool is_array = false;         // keys are 0 to max_entries - 1, all present from the start
  bool is_hash = false;          // a table of buckets: a batch has whole ones, so no key twice
  bool is_per_cpu = false;       // an entry has a value for each possible CPU
  bool is_event_buffer = false;  // a stream from BPF programs to user space, without entries
  bool is_ring_buffer = false;   // max_entries is the size in bytes

  bool can_hold_metrics = false;    // keys can be listed, and values are the program's own bytes
  bool has_countable_keys = false;  // keys come and go, and listing them gives their number
  bool has_varying_memory = false;  // changes with its entries; for a hash only if not preallocated
};

// Returns the row of an enum bpf_map_type. All types newer than this table share one row.
const MapType& MapTypeOf(uint32_t type);

}  // namespace bpftally
