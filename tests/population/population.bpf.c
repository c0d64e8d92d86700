// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Programs and maps that need BTF: long names, subprograms, known contents.

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} bpftally_hash_with_a_long_name SEC(".maps");

// These two agree in the first 15 characters of their names, which the kernel keeps, and in their types.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 32);
  __type(key, __u32);
  __type(value, __u64);
} bpftally_same_prefix_one SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 32);
  __type(key, __u32);
  __type(value, __u64);
} bpftally_same_prefix_two SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 64 * 1024);
} bpftally_backlog SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
} bpftally_lost SEC(".maps");

__u64 runs;

static __attribute__((noinline)) __u64 AddOne(__u64 *counter) {
  return __sync_fetch_and_add(counter, 1);
}

static __attribute__((noinline)) __u64 Sum(const __u64 *values, int count) {
  __u64 sum = 0;
  for (int i = 0; i < count && i < 8; i++) sum += values[i];
  return sum;
}

SEC("socket")
int bpftally_program_with_two_subprograms(struct __sk_buff *skb) {
  __u64 values[8] = {skb->len, skb->protocol, AddOne(&runs)};
  __u32 key = 1;
  bpf_map_lookup_elem(&bpftally_hash_with_a_long_name, &key);
  bpf_map_lookup_elem(&bpftally_same_prefix_one, &key);
  bpf_map_lookup_elem(&bpftally_same_prefix_two, &key);
  return Sum(values, 8) != 0;
}

struct record {
  __u8 bytes[40];
};

SEC("raw_tp")
int bpftally_fill_ring_buffer(void *ctx __attribute__((unused))) {
  struct record *record = bpf_ringbuf_reserve(&bpftally_backlog, sizeof(*record), 0);
  if (!record) return 0;
  __builtin_memset(record, 0, sizeof(*record));
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
  return 0;
}

SEC("raw_tp")
int bpftally_fill_perf_buffers(void *ctx) {
  __u8 record[256] = {};
  bpf_perf_event_output(ctx, &bpftally_lost, BPF_F_CURRENT_CPU, record, sizeof(record));
  return 0;
}

// Target of a freplace program: a global function, which the verifier checks separately.
__attribute__((noinline)) int bpftally_replaceable(struct xdp_md *ctx) {
  return ctx->rx_queue_index == 0 ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int bpftally_program_to_be_replaced_in_part(struct xdp_md *ctx) {
  return bpftally_replaceable(ctx);
}
