/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counts retransmitted TCP segments by address family and connection state. */
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define TCP_SYN_RECV 3

struct state_key {
  __u16 family;
  __u16 state;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, struct state_key);
  __type(value, __u64);
} tcp_retransmits_total SEC(".maps");

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(segment_resent, struct sock *sock)
{
  struct state_key key = {.family = sock->__sk_common.skc_family, .state = sock->__sk_common.skc_state};

  if (bpf_core_field_exists(struct trace_event_raw_tcp_retransmit_skb, err) && (int)ctx[2] != 0)
    return 0;
  Add(&tcp_retransmits_total, &key, 1);
  return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(handshake_resent, struct sock *listener)
{
  struct state_key key = {.family = listener->__sk_common.skc_family, .state = TCP_SYN_RECV};

  Add(&tcp_retransmits_total, &key, 1);
  return 0;
}
