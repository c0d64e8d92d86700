/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Measures how long control groups were kept off the CPUs because their quota (cpu.max) was used up. */
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define LAST_SLOT 20 /* up to 1 s, which is the longest period of a quota */

struct histogram_key {
  __u64 cgroup;
  __u64 slot;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH); /* control groups come and go */
  __uint(max_entries, 8192);
  __type(key, struct histogram_key);
  __type(value, __u64);
} cfs_throttling_seconds SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH); /* a control group may be removed while it is throttled */
  __uint(max_entries, 8192);
  __type(key, __u64);
  __type(value, __u64);
} throttled_since SEC(".maps");

/* Uses fentry, since there is no tracepoint. */
SEC("fentry/throttle_cfs_rq")
int BPF_PROG(throttled, struct cfs_rq *queue)
{
  __u64 address = (__u64)queue, now = bpf_ktime_get_ns();

  bpf_map_update_elem(&throttled_since, &address, &now, BPF_ANY);
  return 0;
}

SEC("fentry/unthrottle_cfs_rq")
int BPF_PROG(unthrottled, struct cfs_rq *queue)
{
  __u64 address = (__u64)queue, nanoseconds, *since = bpf_map_lookup_elem(&throttled_since, &address);
  struct histogram_key key = {};

  if (!since)
    return 0;
  nanoseconds = bpf_ktime_get_ns() - *since;
  bpf_map_delete_elem(&throttled_since, &address);
  key.cgroup = queue->tg->css.cgroup->kn->id;
  key.slot = MicrosecondSlot(nanoseconds, LAST_SLOT);
  Add(&cfs_throttling_seconds, &key, 1);
  key.slot = LAST_SLOT + 1;
  Add(&cfs_throttling_seconds, &key, Microseconds(nanoseconds));
  return 0;
}
