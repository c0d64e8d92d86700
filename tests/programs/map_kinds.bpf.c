// Maps of all types that metrics are read from; the tests fill them.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct place {
	__u32 zone;
	__u32 area;
};

struct prefix {
	__u32 bits;
	__u8 address[4];
};

#define MAP_OF(map_name, map_type, map_key, entries, flags)                                       \
	struct {                                                                                  \
		__uint(type, map_type);                                                           \
		__uint(max_entries, entries);                                                     \
		__uint(map_flags, flags);                                                         \
		__type(key, map_key);                                                             \
		__type(value, __u64);                                                             \
	} map_name SEC(".maps")

MAP_OF(in_hash, BPF_MAP_TYPE_HASH, struct place, 10000, 0);
MAP_OF(in_lru, BPF_MAP_TYPE_LRU_HASH, struct place, 10000, 0);
MAP_OF(in_percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, struct place, 1000, 0);
MAP_OF(in_percpu_lru, BPF_MAP_TYPE_LRU_PERCPU_HASH, struct place, 1000, 0);
MAP_OF(in_array, BPF_MAP_TYPE_ARRAY, __u32, 10000, 0);
MAP_OF(in_mapped, BPF_MAP_TYPE_ARRAY, __u32, 10000, BPF_F_MMAPABLE);
MAP_OF(in_percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, 100, 0);
MAP_OF(in_trie, BPF_MAP_TYPE_LPM_TRIE, struct prefix, 20000, BPF_F_NO_PREALLOC);
MAP_OF(in_million, BPF_MAP_TYPE_HASH, struct place, 1000000, BPF_F_NO_PREALLOC);

SEC("tracepoint/raw_syscalls/sys_enter")
int idle(void *context)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
