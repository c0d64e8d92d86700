// Shows the values that its kaddr_ constants have.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

const volatile __u32 before = 7;
const volatile __u64 kaddr_vfs_read = 0;
const volatile __u64 kaddr_schedule = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} constants SEC(".maps");

static __always_inline void show(__u32 place, __u64 value)
{
	bpf_map_update_elem(&constants, &place, &value, BPF_ANY);
}

SEC("raw_tp/sys_enter")
int shows_constants(void *ctx)
{
	show(0, before);
	show(1, kaddr_vfs_read);
	show(2, kaddr_schedule);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
