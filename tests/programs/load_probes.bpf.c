// Has one program for each way to trace a function of the kernel. Each counts its runs at its own
// place, if the process is the wanted one.
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "load_probes.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROBES);
	__type(key, __u32);
	__type(value, __u64);
} runs_of_each_probe SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} wanted_process SEC(".maps");

static __always_inline int count_wanted(__u32 probe)
{
	__u32 first = 0;
	__u32 *process = bpf_map_lookup_elem(&wanted_process, &first);
	__u64 *runs = bpf_map_lookup_elem(&runs_of_each_probe, &probe);

	if (process && runs && *process == bpf_get_current_pid_tgid() >> 32)
		__sync_fetch_and_add(runs, 1);
	return 0;
}

SEC("kprobe/vfs_read")
int by_kprobe(void *ctx)
{
	return count_wanted(BY_KPROBE);
}

SEC("kretprobe/vfs_read")
int by_kretprobe(void *ctx)
{
	return count_wanted(BY_KRETPROBE);
}

SEC("ksyscall/read")
int by_ksyscall(void *ctx)
{
	return count_wanted(BY_KSYSCALL);
}

SEC("kretsyscall/read")
int by_kretsyscall(void *ctx)
{
	return count_wanted(BY_KRETSYSCALL);
}

SEC("kprobe.multi/vfs_read")
int by_kprobe_multi(void *ctx)
{
	return count_wanted(BY_KPROBE_MULTI);
}

SEC("kretprobe.multi/vfs_read")
int by_kretprobe_multi(void *ctx)
{
	return count_wanted(BY_KRETPROBE_MULTI);
}

SEC("fentry/vfs_read")
int by_fentry(void *ctx)
{
	return count_wanted(BY_FENTRY);
}

SEC("fexit/vfs_read")
int by_fexit(void *ctx)
{
	return count_wanted(BY_FEXIT);
}

char LICENSE[] SEC("license") = "GPL";
