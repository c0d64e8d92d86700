/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Iterates over all maps. Writes a map_record for each, including facts that no system call gives: element counts, and
 * the state of any process's buffers.
 */
#include "census_records.h"
#include "kernel_read.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct bpf_iter__bpf_map {
  struct bpf_iter_meta *meta;
  struct bpf_map *map;
} __attribute__((preserve_access_index));

extern __s64 bpf_map_sum_elem_count(const struct bpf_map *map) __ksym __weak; /* 6.6 */

/* Reads the number of entries. Hash maps count them per CPU, a few other types in a member of their own. */
static bool ReadEntries(struct map_record *record, struct bpf_map *map)
{
  __u32 head = 0, tail = 0, size = 0, count = 0;

  if (bpf_core_field_exists(map->elem_count) && bpf_ksym_exists(bpf_map_sum_elem_count) && map->elem_count) {
    const __s64 sum = bpf_map_sum_elem_count(map);
    record->entries = sum > 0 ? sum : 0; /* may be below 0 for a moment while other CPUs count */
    return true;
  }
  switch (record->type) {
  case BPF_MAP_TYPE_LPM_TRIE:
    return KERNEL_READ(record->entries, struct lpm_trie, map, n_entries);
  case BPF_MAP_TYPE_QUEUE:
  case BPF_MAP_TYPE_STACK:
    if (!KERNEL_READ(head, struct bpf_queue_stack, map, head) ||
        !KERNEL_READ(tail, struct bpf_queue_stack, map, tail) ||
        !KERNEL_READ(size, struct bpf_queue_stack, map, size) || !size)
      return false;
    record->entries = head >= tail ? head - tail : head + size - tail;
    return true;
  case BPF_MAP_TYPE_DEVMAP_HASH:
    if (!KERNEL_READ(count, struct bpf_dtab, map, items))
      return false;
    record->entries = count;
    return true;
  case BPF_MAP_TYPE_SOCKHASH:
    if (!KERNEL_READ(count, struct bpf_shtab, map, count))
      return false;
    record->entries = count;
    return true;
  default:
    return false;
  }
}

static void ReadRingBuffer(struct map_record *record, struct bpf_map *map)
{
  __u64 ring = 0, consumed = 0, produced = 0;

  if (!KERNEL_READ(ring, struct bpf_ringbuf_map, map, rb) || !ring)
    return;
  /* Reads the consumer's position first: both only grow, so the difference is never negative. */
  if (!KERNEL_READ(consumed, struct bpf_ringbuf, ring, consumer_pos))
    return;
  barrier();
  if (!KERNEL_READ(produced, struct bpf_ringbuf, ring, producer_pos))
    return;
  /*
   * Drops implausible values: any process that maps the ring can write to one of the two pages, and in an overwriting
   * ring the producer may be more than a round ahead.
   */
  if (produced - consumed > record->max_entries)
    return;
  record->backlog = produced - consumed;
  record->known |= MAP_KNOWS_BACKLOG;
}

struct perf_buffers {
  __u64 entries; /* address of the array of struct bpf_event_entry pointers */
  __u64 pages;
  __u64 lost;
  bool open; /* any buffer; a count would keep the verifier from recognizing that all iterations are alike */
};

static long AddPerfBuffer(__u32 index, struct perf_buffers *buffers)
{
  __u64 entry = 0, event = 0, buffer = 0, lost = 0;
  __u32 pages = 0;

  if (!KERNEL_READ_U64(entry, buffers->entries + index * sizeof(void *)) || !entry ||
      !KERNEL_READ(event, struct bpf_event_entry, entry, event) || !event ||
      !KERNEL_READ(buffer, struct perf_event, event, rb) || !buffer ||
      !KERNEL_READ(pages, struct perf_buffer, buffer, nr_pages) ||
      !KERNEL_READ(lost, struct perf_buffer, buffer, lost))
    return 0;
  buffers->pages += pages;
  buffers->lost += lost;
  buffers->open = true;
  return 0;
}

/* Sums the buffers, one per CPU, of any process that opened the events. Unknown if none is open. */
static void ReadPerfBuffers(struct map_record *record, struct bpf_map *map)
{
  struct perf_buffers buffers = {.entries = (__u64)map + bpf_core_field_offset(struct bpf_array, ptrs)};

  if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) /* 5.17 */
    return;
  bpf_loop(record->max_entries, AddPerfBuffer, &buffers, 0);
  if (!buffers.open)
    return;
  record->buffer_pages = buffers.pages;
  record->lost = buffers.lost;
  record->known |= MAP_KNOWS_BUFFER_PAGES | MAP_KNOWS_LOST;
}

static __always_inline int WriteMap(struct bpf_iter__bpf_map *ctx, bool has_callbacks)
{
  struct bpf_map *map = ctx->map;
  struct map_record record = {};

  if (!map)
    return 0;
  record.size = sizeof(record);
  record.id = map->id;
  record.type = map->map_type;
  ((__u64 *)record.name)[0] = ((__u64 *)map->name)[0];
  ((__u64 *)record.name)[1] = ((__u64 *)map->name)[1];
  record.key_size = map->key_size;
  record.value_size = map->value_size;
  record.max_entries = map->max_entries;
  record.flags = map->map_flags;
  record.btf_key_type_id = map->btf_key_type_id;
  record.btf_value_type_id = map->btf_value_type_id;
  record.frozen = map->frozen;
  if (map->btf)
    record.btf_id = map->btf->id;
  if (bpf_core_field_exists(map->map_extra)) {
    record.map_extra = map->map_extra;
    record.known |= MAP_KNOWS_MAP_EXTRA;
  }
  if (ReadEntries(&record, map))
    record.known |= MAP_KNOWS_ENTRIES;
  if (record.type == BPF_MAP_TYPE_RINGBUF || record.type == BPF_MAP_TYPE_USER_RINGBUF)
    ReadRingBuffer(&record, map);
  else if (has_callbacks && record.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
    ReadPerfBuffers(&record, map);
  bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
  return 0;
}

SEC("iter/bpf_map")
int census_maps(struct bpf_iter__bpf_map *ctx)
{
  return WriteMap(ctx, true);
}

/* Serves kernels before 5.13, which refuse any program with a callback, even if it is never reached. */
SEC("?iter/bpf_map")
int census_maps_without_loop(struct bpf_iter__bpf_map *ctx)
{
  return WriteMap(ctx, false);
}
