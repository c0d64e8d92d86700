/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Measures how long soft interrupts wait after they are raised, and how long they then take, by kind. */
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define KINDS 10
#define LAST_SLOT 21 /* up to 2 s */

struct histogram_key {
  __u32 kind;
  __u32 slot;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, KINDS *(LAST_SLOT + 2));
  __type(key, struct histogram_key);
  __type(value, __u64);
} softirq_entry_latency_seconds SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, KINDS *(LAST_SLOT + 2));
  __type(key, struct histogram_key);
  __type(value, __u64);
} softirq_service_latency_seconds SEC(".maps");

/* Times of a CPU's soft interrupts: each runs on the CPU that raised it. */
struct softirq_times {
  __u64 raised; /* 0: not pending */
  __u64 entered;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, KINDS);
  __type(key, __u32);
  __type(value, struct softirq_times);
} times SEC(".maps");

static __always_inline void Record(void *map, __u32 kind, __u64 nanoseconds)
{
  struct histogram_key key = {.kind = kind, .slot = MicrosecondSlot(nanoseconds, LAST_SLOT)};

  Add(map, &key, 1);
  key.slot = LAST_SLOT + 1;
  Add(map, &key, Microseconds(nanoseconds));
}

SEC("tp_btf/softirq_raise")
int BPF_PROG(softirq_raised, unsigned int kind)
{
  struct softirq_times *now = bpf_map_lookup_elem(&times, &kind);

  if (now && !now->raised)
    now->raised = bpf_ktime_get_ns();
  return 0;
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(softirq_entered, unsigned int kind)
{
  struct softirq_times *now = bpf_map_lookup_elem(&times, &kind);

  if (!now)
    return 0;
  now->entered = bpf_ktime_get_ns();
  if (now->raised)
    Record(&softirq_entry_latency_seconds, kind, now->entered - now->raised);
  now->raised = 0;
  return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(softirq_left, unsigned int kind)
{
  struct softirq_times *now = bpf_map_lookup_elem(&times, &kind);

  if (!now || !now->entered)
    return 0;
  Record(&softirq_service_latency_seconds, kind, bpf_ktime_get_ns() - now->entered);
  now->entered = 0;
  return 0;
}
