/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Processes that the kernel killed for want of memory, by the control group they were in. */
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

  /* Before, the argument is a pid, of which nothing leads to a control group. */
  if (bpf_core_field_exists(struct trace_event_raw_mark_victim, uid))
    cgroup = victim->cgroups->dfl_cgrp->kn->id;
  Add(&oom_kills_total, &cgroup, 1);
  return 0;
}
