/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

/*
 * The records that the iterators of bpf/iter write and src/census reads. Each begins with its own size, so that the
 * reader notices a truncated or foreign record. Native byte order; all members naturally aligned; no padding.
 */

#include <linux/types.h>

enum {
  CENSUS_NAME_SIZE = 16, /* BPF_OBJ_NAME_LEN */
  CENSUS_MAX_MAP_IDS = 64, /* MAX_USED_MAPS */
  CENSUS_TEXT_SIZE = 128,
  CENSUS_MAX_CPUS = 4096,
};

/* Bits of program_record.known: which optional members are filled. */
enum {
  PROGRAM_KNOWS_MAP_IDS = 1 << 0,
  PROGRAM_KNOWS_RUN_STATS = 1 << 1,
  PROGRAM_KNOWS_JITTED_SIZE = 1 << 2,
  PROGRAM_KNOWS_VERIFIED = 1 << 3, /* 5.16 */
};

struct program_record {
  __u32 size; /* whole record: this struct, followed by map_id_count ids of 4 bytes */
  __u32 known;
  __u32 id;
  __u32 type;
  __u64 load_time_boot_ns;
  __u64 run_time_ns;
  __u64 run_count;
  __u64 recursion_misses;
  __u8 tag[8];
  char name[CENSUS_NAME_SIZE];
  __u32 uid;
  __u32 instructions; /* after translation, 8 bytes each */
  __u32 jitted_bytes;
  __u32 pages;
  __u32 verified_instructions;
  __u32 stack_depth;
  __u32 functions;
  __u32 btf_id;
  __u32 func_info_type_id; /* BTF id of the main function; 0: no func_info */
  __u32 gpl_compatible;
  __u32 map_id_count;
  __u32 reserved;
};

enum {
  MAP_KNOWS_ENTRIES = 1 << 0,
  MAP_KNOWS_BUFFER_PAGES = 1 << 1,
  MAP_KNOWS_BACKLOG = 1 << 2,
  MAP_KNOWS_LOST = 1 << 3,
  MAP_KNOWS_MAP_EXTRA = 1 << 4, /* 5.16 */
};

struct map_record {
  __u32 size;
  __u32 known;
  __u32 id;
  __u32 type;
  char name[CENSUS_NAME_SIZE];
  __u32 key_size;
  __u32 value_size;
  __u32 max_entries;
  __u32 flags;
  __u32 btf_id;
  __u32 btf_key_type_id;
  __u32 btf_value_type_id;
  __u32 frozen;
  __u64 map_extra;
  __u64 entries;
  __u64 buffer_pages; /* perf event array: sum over its open buffers */
  __u64 backlog;
  __u64 lost;
};

enum {
  LINK_KNOWS_ATTACH_TYPE = 1 << 0,
  LINK_KNOWS_NETNS = 1 << 1,
  LINK_KNOWS_CGROUP = 1 << 2,
  LINK_KNOWS_TEXT = 1 << 3, /* a name: tracepoint, function, interface, iterator target */
  LINK_KNOWS_NETFILTER = 1 << 4,
  LINK_KNOWS_MAP = 1 << 5,
  LINK_KNOWS_PERF = 1 << 6, /* perf_type and perf_config */
  LINK_KNOWS_COUNT = 1 << 7,
};

struct link_record {
  __u32 size; /* whole record: this struct, followed by text_size bytes */
  __u32 known;
  __u32 id;
  __u32 type;
  __u32 program_id;
  __u32 program_type;
  __u32 attach_type;
  __u32 map_id;
  __u64 netns;
  __u64 cgroup_id;
  __u64 count;
  __u64 perf_config;
  __u32 perf_type;
  __u32 netfilter_pf;
  __u32 netfilter_hook;
  __s32 netfilter_priority;
  __u32 text_size; /* rounded up to 8; NUL-terminated inside */
  __u32 reserved;
};
