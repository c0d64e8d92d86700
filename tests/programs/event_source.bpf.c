// Sends an event for each getppid() of the wanted process through each kind of buffer.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "load_places.h"

struct call {
	__u32 third; /* of 0, 1, 2 in turn */
	__u32 rest;
	__u64 payload[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} calls_by_perf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} calls_by_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} calls_by_quiet_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2); /* 0: the wanted process, 1: how many it called */
	__type(key, __u32);
	__type(value, __u32);
} wanted_process SEC(".maps");

SEC("raw_tp/sys_enter")
int on_call(struct bpf_raw_tracepoint_args *ctx)
{
	struct call call = {};
	__u32 first = 0, second = 1;
	__u32 *process, *calls;

	if (ctx->args[1] != SYSCALL_GETPPID)
		return 0;
	process = bpf_map_lookup_elem(&wanted_process, &first);
	calls = bpf_map_lookup_elem(&wanted_process, &second);
	if (!process || !calls || *process != bpf_get_current_pid_tgid() >> 32)
		return 0;
	call.third = (*calls)++ % 3;
	bpf_perf_event_output(ctx, &calls_by_perf, BPF_F_CURRENT_CPU, &call, sizeof(call));
	bpf_ringbuf_output(&calls_by_ring, &call, sizeof(call), 0);
	bpf_ringbuf_output(&calls_by_quiet_ring, &call, sizeof(call), BPF_RB_NO_WAKEUP);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
