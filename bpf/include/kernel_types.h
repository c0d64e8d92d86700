/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

/*
 * The kernel structures that the iterators read, reduced to the members that they use: CO-RE finds the real offsets in
 * the running kernel's BTF. A version in a comment is the first kernel that has a member ("until": the last one). A
 * struct with ___ in its name is a variant, in other kernels, of the struct named before the ___.
 */

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seq_file;

struct bpf_iter_meta {
  struct seq_file *seq;
  __u64 session_id;
  __u64 seq_num;
};

typedef struct {
  unsigned int val;
} kuid_t;

struct user_struct {
  kuid_t uid;
};

struct btf {
  __u32 id;
};

struct bpf_map {
  enum bpf_map_type map_type;
  __u32 key_size;
  __u32 value_size;
  __u32 max_entries;
  __u64 map_extra; /* 5.16 */
  __u32 map_flags;
  __u32 id;
  __u32 btf_key_type_id;
  __u32 btf_value_type_id;
  struct btf *btf;
  char name[BPF_OBJ_NAME_LEN];
  bool frozen;
  __s64 *elem_count; /* 6.6; per CPU; NULL for types without a counter */
};

typedef struct {
  __u64 v;
} stats_u64;

struct bpf_prog_stats {
  stats_u64 cnt;
  stats_u64 nsecs;
  stats_u64 misses; /* 5.12 */
};

struct bpf_prog_stats___plain { /* until 5.15 */
  __u64 cnt;
  __u64 nsecs;
  __u64 misses;
};

struct bpf_prog;

struct bpf_prog_aux {
  __u32 used_map_cnt;
  __u32 stack_depth;
  __u32 id;
  __u32 func_cnt;
  const char *attach_func_name;
  struct bpf_prog **func;
  struct bpf_map **used_maps;
  struct user_struct *user;
  __u64 load_time;
  __u32 verified_insns; /* 5.16 */
  char name[BPF_OBJ_NAME_LEN];
  struct btf *btf;
  struct bpf_func_info *func_info;
};

struct bpf_prog {
  __u16 pages;
  __u16 gpl_compatible : 1;
  enum bpf_prog_type type;
  enum bpf_attach_type expected_attach_type;
  __u32 len;
  __u32 jited_len;
  __u8 tag[8];
  struct bpf_prog_stats *stats; /* per CPU; 5.12, before that in aux */
  struct bpf_prog_aux *aux;
};

struct bpf_array {
  struct bpf_map map;
  void *ptrs[0];  /* perf_event_array: struct bpf_event_entry */
  void *pptrs[0]; /* percpu_array */
};

struct bpf_ringbuf {
  unsigned long consumer_pos;
  unsigned long producer_pos;
};

struct bpf_ringbuf_map {
  struct bpf_map map;
  struct bpf_ringbuf *rb;
};

struct lpm_trie {
  struct bpf_map map;
  __u64 n_entries;
};

struct bpf_queue_stack {
  struct bpf_map map;
  __u32 head;
  __u32 tail;
  __u32 size; /* max_entries + 1 */
};

struct bpf_dtab {
  struct bpf_map map;
  __u32 items; /* devmap_hash */
};

typedef struct {
  int counter;
} atomic_t;

struct bpf_shtab {
  struct bpf_map map;
  atomic_t count;
};

typedef struct {
  long counter;
} local_t;

struct perf_buffer {
  int nr_pages;
  local_t lost;
};

struct perf_event_attr {
  __u32 type;
  __u64 config;
};

struct perf_event {
  struct perf_event_attr attr;
  struct perf_buffer *rb;
};

struct bpf_event_entry {
  struct perf_event *event;
};

struct file {
  void *private_data;
};

struct bpf_link {
  __u32 id;
  enum bpf_link_type type;
  struct bpf_prog *prog;
  enum bpf_attach_type attach_type; /* 6.18; before that, some kinds of link had a member of their own */
};

struct tracepoint {
  const char *name;
};

struct bpf_raw_event_map {
  struct tracepoint *tp;
};

struct bpf_raw_tp_link {
  struct bpf_link link;
  struct bpf_raw_event_map *btp;
};

struct kernfs_node {
  __u64 id;
};

struct cgroup {
  struct kernfs_node *kn;
};

struct bpf_cgroup_link {
  struct bpf_link link;
  struct cgroup *cgroup;
};

struct bpf_cgroup_link___own_type { /* until 6.17 */
  enum bpf_attach_type type;
};

struct ns_common {
  unsigned int inum;
};

struct net {
  struct ns_common ns;
};

struct bpf_netns_link {
  struct bpf_link link;
  struct net *net;
};

struct bpf_netns_link___own_type { /* until 6.17 */
  enum bpf_attach_type type;
};

typedef struct {
  struct net *net;
} possible_net_t;

struct net_device {
  possible_net_t nd_net;
  char name[16];
};

struct bpf_xdp_link {
  struct bpf_link link;
  struct net_device *dev;
};

struct tcx_link { /* 6.6 */
  struct bpf_link link;
  struct net_device *dev;
};

struct tcx_link___own_type { /* until 6.17 */
  __u32 location; /* not an enum in the kernel either */
};

struct netkit_link { /* 6.7 */
  struct bpf_link link;
  struct net_device *dev;
};

struct netkit_link___own_type { /* until 6.17 */
  __u32 location; /* not an enum in the kernel either */
};

struct bpf_perf_link {
  struct bpf_link link;
  struct file *perf_file;
};

struct bpf_kprobe_multi_link {
  struct bpf_link link;
  __u32 cnt;
};

struct bpf_uprobe_multi_link {
  struct bpf_link link;
  __u32 cnt;
};

struct nf_hook_ops {
  __u8 pf;
  unsigned int hooknum;
  int priority;
};

struct bpf_nf_link {
  struct bpf_link link;
  struct nf_hook_ops hook_ops;
  struct net *net;
};

struct bpf_struct_ops_link {
  struct bpf_link link;
  struct bpf_map *map;
};

struct sockmap_link { /* 6.10 */
  struct bpf_link link;
  struct bpf_map *map;
};

struct sockmap_link___own_type { /* until 6.17 */
  enum bpf_attach_type attach_type;
};

struct bpf_iter_reg {
  const char *target;
};

struct bpf_iter_target_info {
  const struct bpf_iter_reg *reg_info;
};

struct bpf_iter_link {
  struct bpf_link link;
  struct bpf_iter_target_info *tinfo;
};

#pragma clang attribute pop
