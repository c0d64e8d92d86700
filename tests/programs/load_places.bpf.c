// Has one program for each of several ways to attach: by sections that libbpf knows, and by
// perf_event sections that bpftally parses. Each counts its runs at its own place, if the process
// is the wanted one.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

#include "load_places.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PLACES);
	__type(key, __u32);
	__type(value, __u64);
} runs_at_each_place SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} wanted_process SEC(".maps");

static __always_inline int count(__u32 place)
{
	__u64 *runs = bpf_map_lookup_elem(&runs_at_each_place, &place);

	if (runs)
		__sync_fetch_and_add(runs, 1);
	return 0;
}

static __always_inline int count_wanted(__u32 place)
{
	__u32 first = 0;
	__u32 *process = bpf_map_lookup_elem(&wanted_process, &first);

	if (!process || *process != bpf_get_current_pid_tgid() >> 32)
		return 0;
	return count(place);
}

SEC("tp/syscalls/sys_enter_getppid")
int at_tracepoint(void *ctx)
{
	return count_wanted(AT_TRACEPOINT);
}

SEC("raw_tp/sys_enter")
int at_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return ctx->args[1] == SYSCALL_GETPPID ? count_wanted(AT_RAW_TRACEPOINT) : 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(at_typed_tracepoint, void *registers, long number)
{
	return number == SYSCALL_GETPPID ? count_wanted(AT_TYPED_TRACEPOINT) : 0;
}

SEC("perf_event/type=1,config=0,frequency=500")
int at_frequency(void *ctx)
{
	return count(AT_FREQUENCY);
}

SEC("perf_event/type=1,config=0,period=2000000")
int at_period(void *ctx)
{
	return count(AT_PERIOD);
}

SEC("uprobe//proc/self/exe:ProbedByTheTest")
int at_user_function(void *ctx)
{
	return count_wanted(AT_USER_FUNCTION);
}

SEC("uprobe//proc/self/exe:post_attach_mark")
int at_mark(void *ctx)
{
	return count_wanted(AT_MARK);
}

SEC("usdt//proc/self/exe:bpftally_test:passed")
int at_usdt(struct pt_regs *ctx)
{
	long argument = 0;

	if (bpf_usdt_arg(ctx, 0, &argument) || argument != USDT_ARGUMENT)
		return 0;
	return count_wanted(AT_USDT);
}

struct bpf_iter__bpf_map {
	void *meta;
	void *map;
} __attribute__((preserve_access_index));

SEC("iter/bpf_map")
int at_each_map(struct bpf_iter__bpf_map *ctx)
{
	return ctx->map ? count(AT_EACH_MAP) : 0;
}

SEC("cgroup_skb/egress")
int at_cgroup(struct __sk_buff *packet)
{
	count(AT_CGROUP);
	return 1;
}

SEC("?tp/syscalls/sys_enter_getpid")
int not_wanted(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
