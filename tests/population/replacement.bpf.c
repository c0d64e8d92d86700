// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("freplace/bpftally_replaceable")
int bpftally_replacement(struct xdp_md *ctx) {
  return ctx->rx_queue_index < 2 ? XDP_PASS : XDP_DROP;
}
