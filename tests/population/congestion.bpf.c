// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// A TCP congestion control that nothing uses: a struct_ops map with its programs and link.

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct sock;

struct tcp_congestion_ops {
  __u32 (*ssthresh)(struct sock *sk);
  void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
  __u32 (*undo_cwnd)(struct sock *sk);
  char name[16];
};

// The kernel passes an array of arguments; these programs need none of them.
SEC("struct_ops")
__u32 bpftally_test_ssthresh(void *arguments __attribute__((unused))) { return 2; }

SEC("struct_ops")
void bpftally_test_cong_avoid(void *arguments __attribute__((unused))) {}

SEC("struct_ops")
__u32 bpftally_test_undo_cwnd(void *arguments __attribute__((unused))) { return 2; }

SEC(".struct_ops.link")
struct tcp_congestion_ops bpftally_congestion = {
    .ssthresh = (void *)bpftally_test_ssthresh,
    .cong_avoid = (void *)bpftally_test_cong_avoid,
    .undo_cwnd = (void *)bpftally_test_undo_cwnd,
    .name = "tally", /* replaced by user space */
};
