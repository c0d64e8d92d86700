#include "model/map_types.h"

#include <array>

namespace bpftally {
namespace {

// Types in the order of enum bpf_map_type, from 0. Some rows settle what is easily answered in two
// ways:
// - hash_of_maps is a hash: it shares the kernel's htab, with its buckets, batches and
//   preallocation. Its values are no plain bytes: user space reads the ids of maps.
// - percpu_cgroup_storage is per-CPU: the kernel copies a value for each possible CPU, whatever
//   room there is.
// - rhash is no hash here: it resizes, so that entries change their bucket while it is read.
// - user_ringbuf is no event buffer: user space writes to it.
constexpr auto kMapTypes = std::to_array<MapType>({
    {.name = "unspec"},
    {.name = "hash", .is_hash = true, .can_hold_metrics = true, .has_countable_keys = true},
    {.name = "array", .is_array = true, .can_hold_metrics = true},
    {.name = "prog_array"},
    {.name = "perf_event_array", .is_event_buffer = true},
    {.name = "percpu_hash",
     .is_hash = true,
     .is_per_cpu = true,
     .can_hold_metrics = true,
     .has_countable_keys = true},
    {.name = "percpu_array", .is_array = true, .is_per_cpu = true, .can_hold_metrics = true},
    {.name = "stack_trace"},
    {.name = "cgroup_array"},
    {.name = "lru_hash", .is_hash = true, .can_hold_metrics = true, .has_countable_keys = true},
    {.name = "lru_percpu_hash",
     .is_hash = true,
     .is_per_cpu = true,
     .can_hold_metrics = true,
     .has_countable_keys = true},
    {.name = "lpm_trie",
     .can_hold_metrics = true,
     .has_countable_keys = true,
     .has_varying_memory = true},
    {.name = "array_of_maps"},
    {.name = "hash_of_maps", .is_hash = true, .has_countable_keys = true},
    {.name = "devmap", .has_varying_memory = true},
    {.name = "sockmap"},
    {.name = "cpumap"},
    {.name = "xskmap"},
    {.name = "sockhash", .has_countable_keys = true, .has_varying_memory = true},
    {.name = "cgroup_storage"},
    {.name = "reuseport_sockarray"},
    {.name = "percpu_cgroup_storage", .is_per_cpu = true},
    {.name = "queue"},
    {.name = "stack"},
    {.name = "sk_storage"},
    {.name = "devmap_hash", .has_countable_keys = true, .has_varying_memory = true},
    {.name = "struct_ops"},
    {.name = "ringbuf", .is_event_buffer = true, .is_ring_buffer = true},
    {.name = "inode_storage"},
    {.name = "task_storage"},
    {.name = "bloom_filter"},
    {.name = "user_ringbuf", .is_ring_buffer = true},
    {.name = "cgrp_storage"},
    {.name = "arena", .has_varying_memory = true},
    {.name = "insn_array", .has_varying_memory = true},
    {.name = "rhash", .has_countable_keys = true, .has_varying_memory = true},
});

// Nothing is assumed about a type that we do not know, so its memory is read anew at each pass.
constexpr MapType kUnknown{.has_varying_memory = true};

}  // namespace

const MapType& MapTypeOf(uint32_t type) {
  return type < kMapTypes.size() ? kMapTypes[type] : kUnknown;
}

}  // namespace bpftally
