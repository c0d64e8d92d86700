/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counts operations on the page cache by the command that causes them. */
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define COMMAND_SIZE 16

/* Operations, numbered as in the static_map of the label op. */
enum operation {
  ADDED,
  DELETED,
  FOLIO_DIRTIED,
  BUFFER_DIRTIED,
  ACCESSED,
};

struct operation_key {
  __u32 operation;
  char command[COMMAND_SIZE];
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH); /* any process can invent command names */
  __uint(max_entries, 4096);
  __type(key, struct operation_key);
  __type(value, __u64);
} page_cache_ops_total SEC(".maps");

static int Count(enum operation operation)
{
  struct operation_key key = {.operation = operation};

  bpf_get_current_comm(key.command, sizeof(key.command));
  Add(&page_cache_ops_total, &key, 1);
  return 0;
}

SEC("tp_btf/mm_filemap_add_to_page_cache")
int BPF_PROG(page_added)
{
  return Count(ADDED);
}

SEC("tp_btf/mm_filemap_delete_from_page_cache")
int BPF_PROG(page_deleted)
{
  return Count(DELETED);
}

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(folio_dirtied)
{
  return Count(FOLIO_DIRTIED);
}

SEC("tp_btf/block_dirty_buffer")
int BPF_PROG(buffer_dirtied)
{
  return Count(BUFFER_DIRTIED);
}

/* Uses fentry, since there is no tracepoint. Without fentry the other operations are still counted. */
SEC("fentry/folio_mark_accessed")
int BPF_PROG(page_accessed)
{
  return Count(ACCESSED);
}
