// Counts packets at four hooks of the test's own network namespace: three on its lo, one at the
// lookup of a socket.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

static __always_inline void count(__u32 place)
{
	__u64 *number = bpf_map_lookup_elem(&packets, &place);

	if (number)
		__sync_fetch_and_add(number, 1);
}

SEC("xdp/lo")
int before_the_stack(struct xdp_md *packet)
{
	count(0);
	return XDP_PASS;
}

SEC("tcx/ingress/lo")
int on_the_way_in(struct __sk_buff *packet)
{
	count(1);
	return -1; /* TCX_NEXT */
}

SEC("tcx/egress/lo")
int on_the_way_out(struct __sk_buff *packet)
{
	count(2);
	return -1;
}

SEC("sk_lookup")
int before_the_socket(struct bpf_sk_lookup *packet)
{
	count(3);
	return SK_PASS;
}

SEC("xdp/no_such_if")
int nowhere(struct xdp_md *packet)
{
	return XDP_PASS;
}

SEC("xdp")
int without_interface(struct xdp_md *packet)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
