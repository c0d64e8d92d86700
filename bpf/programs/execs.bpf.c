/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counts program starts by command name. */
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define COMMAND_SIZE 16

struct command_key {
  char command[COMMAND_SIZE];
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH); /* any process can invent command names */
  __uint(max_entries, 4096);
  __type(key, struct command_key);
  __type(value, __u64);
} execs_total SEC(".maps");

SEC("tp_btf/sched_process_exec")
int BPF_PROG(command_executed)
{
  struct command_key key = {};

  bpf_get_current_comm(key.command, sizeof(key.command));
  Add(&execs_total, &key, 1);
  return 0;
}
