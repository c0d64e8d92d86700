// Implements a TCP congestion control that counts the connections that begin with it.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} connections SEC(".maps");

struct sock;

struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*init)(struct sock *sk);
	char name[16];
};

SEC("struct_ops")
__u32 tally_ssthresh(void *arguments)
{
	return 2;
}

SEC("struct_ops")
void tally_cong_avoid(void *arguments)
{
}

SEC("struct_ops")
__u32 tally_undo_cwnd(void *arguments)
{
	return 2;
}

SEC("struct_ops")
void tally_init(void *arguments)
{
	__u32 first = 0;
	__u64 *count = bpf_map_lookup_elem(&connections, &first);

	if (count)
		__sync_fetch_and_add(count, 1);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops counting_congestion = {
	.ssthresh = (void *)tally_ssthresh,
	.cong_avoid = (void *)tally_cong_avoid,
	.undo_cwnd = (void *)tally_undo_cwnd,
	.init = (void *)tally_init,
	.name = "tally_load",
};

char LICENSE[] SEC("license") = "GPL";
