/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

/* Kernel structures, as in kernel_types.h, that the hooks of the metric programs receive. */
#include "kernel_types.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct css_set {
  struct cgroup *dfl_cgrp; /* the task's group in the cgroup v2 hierarchy */
};

struct thread_info {
  __u32 status; /* x86 */
};

struct task_struct {
  struct thread_info thread_info;
  unsigned int __state; /* 5.14 */
  unsigned int on_cpu; /* not in all single-CPU kernels; another size in 7.x, which CO-RE allows if unsigned */
  int pid;
  struct css_set *cgroups;
};

struct task_struct___old_state { /* until 5.13 */
  long state;
};

struct pt_regs___x86 {
  unsigned long orig_ax;
};

struct pt_regs___arm64 {
  int syscallno;
};

struct gendisk {
  int major;
  int first_minor;
};

struct request_queue {
  struct gendisk *disk; /* 5.15 */
};

struct request {
  struct request_queue *q;
  unsigned int cmd_flags;
};

struct timer_list {
  void (*function)(struct timer_list *);
};

struct sock_common {
  unsigned short skc_family;
  volatile unsigned char skc_state;
};

struct sock {
  struct sock_common __sk_common;
  __u16 sk_protocol;
};

struct cgroup_subsys_state {
  struct cgroup *cgroup;
};

struct task_group {
  struct cgroup_subsys_state css;
};

struct cfs_rq {
  struct task_group *tg;
};

/* Types of tracepoints, which show what arguments they have. */
struct trace_event_raw_mark_victim {
  unsigned int uid; /* 6.9 and stable kernels with the backport: since then the first argument is the task */
};

struct trace_event_raw_tcp_retransmit_skb {
  int err; /* 6.16; before that, only successes were traced */
};

#pragma clang attribute pop
