// Sends two events for each getppid() of a process named "span-maker": one with everything that a
// span may have, and one with only a number.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "load_places.h"

struct whole {
	__u8 trace_id[16];
	__u8 parent_span_id[8];
	__u8 span_id[8];
	__u64 timestamp;
	__u64 duration;
	__u32 number;
	__u32 rest;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} whole_spans SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} bare_spans SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} calls SEC(".maps");

static __always_inline int is_span_maker(void)
{
	const char wanted[] = "span-maker";
	char name[16] = {};

	bpf_get_current_comm(name, sizeof(name));
	for (int i = 0; i < (int)sizeof(wanted); i++)
		if (name[i] != wanted[i])
			return 0;
	return 1;
}

SEC("raw_tp/sys_enter")
int on_call(struct bpf_raw_tracepoint_args *ctx)
{
	struct whole span = {.trace_id = {0xab}, .duration = 1000};
	__u32 zero = 0, *count;

	if (ctx->args[1] != SYSCALL_GETPPID || !is_span_maker())
		return 0;
	count = bpf_map_lookup_elem(&calls, &zero);
	if (!count)
		return 0;
	span.number = ++*count;
	span.trace_id[15] = span.number % 100;
	span.parent_span_id[7] = span.number % 2;
	span.span_id[0] = 1;
	span.span_id[6] = span.number >> 8;
	span.span_id[7] = span.number;
	span.timestamp = bpf_ktime_get_ns();
	bpf_ringbuf_output(&whole_spans, &span, sizeof(span), 0);
	bpf_ringbuf_output(&bare_spans, &span.number, sizeof(span.number), 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
