/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Measures how long runnable tasks wait for a CPU. */
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define LAST_SLOT 26 /* up to 67 s */
#define TASK_RUNNING 0

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, LAST_SLOT + 2);
  __type(key, __u32);
  __type(value, __u64);
} run_queue_latency_seconds SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH); /* waiting tasks */
  __uint(max_entries, 32768);
  __type(key, __u32);
  __type(value, __u64);
} waiting_since SEC(".maps");

static void BeginWait(const struct task_struct *task)
{
  __u32 pid = task->pid;
  __u64 now = bpf_ktime_get_ns();

  if (pid) /* idle tasks do not wait */
    bpf_map_update_elem(&waiting_since, &pid, &now, BPF_ANY);
}

/* Skips a task that is woken before it has gone to sleep: it does not wait. */
static int Woken(const struct task_struct *task)
{
  if (!bpf_core_field_exists(task->on_cpu) || !task->on_cpu)
    BeginWait(task);
  return 0;
}

static void EndWait(const struct task_struct *task)
{
  __u32 slot, pid = task->pid;
  __u64 nanoseconds, *since = bpf_map_lookup_elem(&waiting_since, &pid);

  if (!since)
    return;
  nanoseconds = bpf_ktime_get_ns() - *since;
  bpf_map_delete_elem(&waiting_since, &pid);
  slot = MicrosecondSlot(nanoseconds, LAST_SLOT);
  Add(&run_queue_latency_seconds, &slot, 1);
  slot = LAST_SLOT + 1;
  Add(&run_queue_latency_seconds, &slot, Microseconds(nanoseconds));
}

static bool CanRun(const struct task_struct *task)
{
  if (bpf_core_field_exists(task->__state))
    return task->__state == TASK_RUNNING;
  return ((const struct task_struct___old_state *)task)->state == TASK_RUNNING;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(task_woken, struct task_struct *task)
{
  return Woken(task);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(new_task_woken, struct task_struct *task)
{
  return Woken(task);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(task_switched, bool preempted, struct task_struct *from, struct task_struct *to)
{
  if (preempted || CanRun(from))
    BeginWait(from);
  EndWait(to);
  return 0;
}
