// Programs that the verifier refuses; its log is longer than 64 KiB.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

SEC("raw_tp/sys_enter")
int long_way_to_nowhere(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 sum = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < 1500; ++i) {
		sum = sum * 31 + bpf_ktime_get_ns();
	}
	return *(volatile int *)sum;
}

SEC("raw_tp/sys_enter")
__attribute__((naked)) int without_answer(void)
{
	asm volatile("exit;");
}

char LICENSE[] SEC("license") = "GPL";
