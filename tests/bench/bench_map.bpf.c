/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A map that map_tool fills from outside. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct key {
  __u32 zone;
  __u32 area;
};

struct {
  __uint(type, MAP_TYPE);
  __uint(max_entries, MAP_ENTRIES);
  __type(key, struct key);
  __type(value, __u64);
} bench_entries_total SEC(".maps");

/* An event that does not occur while the host has free memory. */
SEC("tp/oom/mark_victim")
int idle(void *ctx)
{
  return 0;
}
