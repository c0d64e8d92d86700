/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counts packets received on the loopback interface, by protocol. For another interface, replace lo by its name. */
#include "metric_program.h"

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Numbers above the 256 protocols of IP. */
#define PROTOCOL_ARP 256
#define PROTOCOL_OTHER 257

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, 258);
  __type(key, __u32);
  __type(value, __u64);
} xdp_packets_total SEC(".maps");

struct vlan_header {
  __be16 tag;
  __be16 protocol;
};

static __u32 ProtocolOf(void *data, void *end)
{
  struct ethhdr *ethernet = data;
  void *next = ethernet + 1;
  __be16 protocol;

  if (next > end)
    return PROTOCOL_OTHER;
  protocol = ethernet->h_proto;
  if (protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD)) {
    struct vlan_header *vlan = next;

    next = vlan + 1;
    if (next > end)
      return PROTOCOL_OTHER;
    protocol = vlan->protocol;
  }
  if (protocol == bpf_htons(ETH_P_IP) && next + sizeof(struct iphdr) <= end)
    return ((struct iphdr *)next)->protocol;
  if (protocol == bpf_htons(ETH_P_IPV6) && next + sizeof(struct ipv6hdr) <= end)
    return ((struct ipv6hdr *)next)->nexthdr;
  return protocol == bpf_htons(ETH_P_ARP) ? PROTOCOL_ARP : PROTOCOL_OTHER;
}

SEC("xdp/lo")
int packet_received(struct xdp_md *ctx)
{
  __u32 protocol = ProtocolOf((void *)(long)ctx->data, (void *)(long)ctx->data_end);

  Add(&xdp_packets_total, &protocol, 1);
  return XDP_PASS;
}
