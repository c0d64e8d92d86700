/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Estimates references to and misses in the last-level cache by CPU. A sample stands for the events since the last. */
#include "metric_program.h"

#include <linux/bpf_perf_event.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} llc_references_total SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} llc_misses_total SEC(".maps");

/* type=0: hardware; config=2: cache references, config=3: cache misses */
SEC("perf_event/type=0,config=2,frequency=99")
int cache_referenced(struct bpf_perf_event_data *ctx)
{
  __u32 key = 0;

  Add(&llc_references_total, &key, ctx->sample_period);
  return 0;
}

SEC("perf_event/type=0,config=3,frequency=99")
int cache_missed(struct bpf_perf_event_data *ctx)
{
  __u32 key = 0;

  Add(&llc_misses_total, &key, ctx->sample_period);
  return 0;
}
