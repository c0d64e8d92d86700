/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Baseline of the census: iterators that emit records of the same size and read nothing but the id. */
#include "census_records.h"
#include "kernel_types.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct bpf_iter__bpf_prog {
  struct bpf_iter_meta *meta;
  struct bpf_prog *prog;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_map {
  struct bpf_iter_meta *meta;
  struct bpf_map *map;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_link {
  struct bpf_iter_meta *meta;
  struct bpf_link *link;
} __attribute__((preserve_access_index));

SEC("iter/bpf_prog")
int minimal_programs(struct bpf_iter__bpf_prog *ctx)
{
  struct bpf_prog *prog = ctx->prog;
  struct program_record record = {.size = sizeof(record)};

  if (!prog)
    return 0;
  record.id = prog->aux->id;
  bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
  return 0;
}

SEC("iter/bpf_map")
int minimal_maps(struct bpf_iter__bpf_map *ctx)
{
  struct bpf_map *map = ctx->map;
  struct map_record record = {.size = sizeof(record)};

  if (!map)
    return 0;
  record.id = map->id;
  bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
  return 0;
}

SEC("iter/bpf_link")
int minimal_links(struct bpf_iter__bpf_link *ctx)
{
  struct bpf_link *link = ctx->link;
  struct link_record record = {.size = sizeof(record)};

  if (!link)
    return 0;
  record.id = link->id;
  bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
  return 0;
}
