// Programs that do not load or attach, each for a different reason, around one that works.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

SEC("raw_tp/sys_enter")
int follows_null(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 key = ctx->args[1];
	__u64 *number = bpf_map_lookup_elem(&calls, &key);

	return *number; /* not looked whether it is there */
}

SEC("tp_btf/bpftally_no_such_tracepoint")
int without_types(void *ctx)
{
	return 0;
}

SEC("raw_tp/sys_enter")
int works(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 key = 0;
	__u64 *number = bpf_map_lookup_elem(&calls, &key);

	if (number)
		__sync_fetch_and_add(number, 1);
	return 0;
}

SEC("tp/bpftally/no_such_tracepoint")
int without_tracepoint(void *ctx)
{
	return 0;
}

SEC("kprobe/vfs_read")
int needs_kprobes(void *ctx)
{
	return 0;
}

SEC("perf_event/type=1,config=0,frequence=99")
int misspelt(void *ctx)
{
	return 0;
}

SEC("perf_event/type=1,config=4711,frequency=99") /* type 1 has a dozen events */
int without_event(void *ctx)
{
	return 0;
}

SEC("no_such_section")
int without_type(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
