/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counts system calls by name, and failed ones by name and error. */
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define UNKNOWN_CALL 0xffffffffu
#define COMPAT_32BIT 0x2 /* x86: TS_COMPAT */
#define FIRST_KERNEL_ERROR 512 /* from here on: restarts, which the caller does not see */
#define CALL_LIMIT 1024

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, CALL_LIMIT + 1);
  __type(key, __u32);
  __type(value, __u64);
} syscalls_total SEC(".maps");

struct error_key {
  __u32 call;
  __u32 error;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH); /* one entry for each call and error */
  __uint(max_entries, 4096);
  __type(key, struct error_key);
  __type(value, __u64);
} syscall_errors_total SEC(".maps");

/* Returns UNKNOWN_CALL for numbers that mean something else in a 32-bit task, or nothing: they must not get a name. */
static __u32 KnownCall(long number)
{
  const struct task_struct *task = bpf_get_current_task_btf();

  if (number < 0 || number >= CALL_LIMIT)
    return UNKNOWN_CALL;
  if (bpf_core_field_exists(task->thread_info.status) && task->thread_info.status & COMPAT_32BIT)
    return UNKNOWN_CALL;
  return number;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(call_entered, struct pt_regs *regs, long number)
{
  __u32 call = KnownCall(number);

  Add(&syscalls_total, &call, 1);
  return 0;
}

static long NumberIn(const struct pt_regs *regs)
{
  if (bpf_core_field_exists(struct pt_regs___x86, orig_ax))
    return ((const struct pt_regs___x86 *)regs)->orig_ax;
  if (bpf_core_field_exists(struct pt_regs___arm64, syscallno))
    return ((const struct pt_regs___arm64 *)regs)->syscallno;
  return -1;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_left, struct pt_regs *regs, long result)
{
  struct error_key key;

  if (result >= 0 || result <= -FIRST_KERNEL_ERROR)
    return 0;
  key.call = KnownCall(NumberIn(regs));
  key.error = -result;
  Add(&syscall_errors_total, &key, 1);
  return 0;
}
