/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counts started kernel timers by the function that they call. */
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
  __uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH); /* modules are loaded and unloaded */
  __uint(max_entries, 2048);
  __type(key, __u64);
  __type(value, __u64);
} timer_starts_total SEC(".maps");

SEC("tp_btf/timer_start")
int BPF_PROG(timer_started, struct timer_list *timer)
{
  __u64 function = (__u64)timer->function;

  Add(&timer_starts_total, &function, 1);
  return 0;
}
