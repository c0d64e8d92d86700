/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counts processes that the kernel killed when memory ran out, by their control group. */
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH); /* control groups come and go */
  __uint(max_entries, 1024);
  __type(key, __u64);
  __type(value, __u64);
} oom_kills_total SEC(".maps");

SEC("tp_btf/mark_victim")
int BPF_PROG(victim_marked, struct task_struct *victim)
{
  __u64 cgroup = 0;

  /* On older kernels the argument is a pid, which leads to no control group. */
  if (bpf_core_field_exists(struct trace_event_raw_mark_victim, uid))
    cgroup = victim->cgroups->dfl_cgrp->kn->id;
  Add(&oom_kills_total, &cgroup, 1);
  return 0;
}
