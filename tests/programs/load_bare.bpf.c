// Has no types, as it is built without -g.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

const volatile __u64 kaddr_schedule = 0;

SEC("raw_tp/sys_enter")
int knows_an_address(void *ctx)
{
	return kaddr_schedule != 0;
}

char LICENSE[] SEC("license") = "GPL";
