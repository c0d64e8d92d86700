/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Measures how long the other side takes to accept TCP connections that this host opens. */
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define LAST_SLOT 27 /* up to 134 s: the first segment is retransmitted that long */
#define PROTOCOL_TCP 6
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2

struct histogram_key {
  __u16 family;
  __u16 slot;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 128);
  __type(key, struct histogram_key);
  __type(value, __u64);
} tcp_connect_latency_seconds SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH); /* a flood of attempts must not keep new ones out */
  __uint(max_entries, 16384);
  __type(key, __u64);
  __type(value, __u64);
} attempts SEC(".maps");

static void EndAttempt(const struct sock *sock, bool connected)
{
  __u64 address = (__u64)sock, nanoseconds, *begun = bpf_map_lookup_elem(&attempts, &address);
  struct histogram_key key = {.family = sock->__sk_common.skc_family};

  if (!begun)
    return;
  nanoseconds = bpf_ktime_get_ns() - *begun;
  bpf_map_delete_elem(&attempts, &address);
  if (!connected)
    return;
  key.slot = MicrosecondSlot(nanoseconds, LAST_SLOT);
  Add(&tcp_connect_latency_seconds, &key, 1);
  key.slot = LAST_SLOT + 1;
  Add(&tcp_connect_latency_seconds, &key, Microseconds(nanoseconds));
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, struct sock *sock, int before, int after)
{
  __u64 address = (__u64)sock, now;

  if (sock->sk_protocol != PROTOCOL_TCP)
    return 0;
  if (after == TCP_SYN_SENT) {
    now = bpf_ktime_get_ns();
    bpf_map_update_elem(&attempts, &address, &now, BPF_ANY);
  } else if (before == TCP_SYN_SENT) {
    EndAttempt(sock, after == TCP_ESTABLISHED);
  }
  return 0;
}
