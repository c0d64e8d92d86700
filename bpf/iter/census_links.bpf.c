/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Iterates over all links. Writes a link_record for each, followed by the name of its target if the kernel has one. */
#include "census_records.h"
#include "kernel_read.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct bpf_iter__bpf_link { /* 5.19 */
  struct bpf_iter_meta *meta;
  struct bpf_link *link;
} __attribute__((preserve_access_index));

struct link_text {
  __u64 words[CENSUS_TEXT_SIZE / 8];
};

/* Copies a string with bpf_snprintf (5.13), which reads it safely and is allowed under every lockdown. */
static void SetText(struct link_record *record, struct link_text *text, __u64 string)
{
  static const char format[] = "%s";
  long length;

  if (!string)
    return;
  length = bpf_snprintf((char *)text->words, sizeof(text->words), format, &string, sizeof(string));
  if (length <= 1)
    return;
  if (length > CENSUS_TEXT_SIZE)
    length = CENSUS_TEXT_SIZE;
  record->text_size = (length + 7) & ~7;
  record->known |= LINK_KNOWS_TEXT;
}

static void SetNetns(struct link_record *record, __u64 net)
{
  __u32 inode = 0;

  if (!net || !KERNEL_READ(inode, struct net, net, ns.inum))
    return;
  record->netns = inode;
  record->known |= LINK_KNOWS_NETNS;
}

static void SetDevice(struct link_record *record, struct link_text *text, __u64 device)
{
  __u64 net = 0;

  if (!device)
    return; /* the link has outlived its interface */
  if (!KERNEL_READ(text->words[0], struct net_device, device, name[0]) ||
      !KERNEL_READ(text->words[1], struct net_device, device, name[8]) ||
      !KERNEL_READ(net, struct net_device, device, nd_net.net))
    return;
  record->text_size = 16;
  record->known |= LINK_KNOWS_TEXT;
  SetNetns(record, net);
}

static void SetMap(struct link_record *record, __u64 map)
{
  if (map && KERNEL_READ(record->map_id, struct bpf_map, map, id))
    record->known |= LINK_KNOWS_MAP;
}

#define SET_ATTACH_TYPE(record, type, link, field)               \
  do {                                                           \
    if (!((record)->known & LINK_KNOWS_ATTACH_TYPE) &&           \
        KERNEL_READ((record)->attach_type, type, link, field))   \
      (record)->known |= LINK_KNOWS_ATTACH_TYPE;                 \
  } while (0)

static void ReadNetfilter(struct link_record *record, struct bpf_link *link)
{
  __u64 net = 0;
  __u8 family = 0;

  if (!KERNEL_READ(family, struct bpf_nf_link, link, hook_ops.pf) ||
      !KERNEL_READ(record->netfilter_hook, struct bpf_nf_link, link, hook_ops.hooknum) ||
      !KERNEL_READ(record->netfilter_priority, struct bpf_nf_link, link, hook_ops.priority))
    return;
  record->netfilter_pf = family;
  record->known |= LINK_KNOWS_NETFILTER;
  if (KERNEL_READ(net, struct bpf_nf_link, link, net))
    SetNetns(record, net);
}

static void ReadCgroup(struct link_record *record, struct bpf_link *link)
{
  __u64 cgroup = 0, node = 0;

  SET_ATTACH_TYPE(record, struct bpf_cgroup_link___own_type, link, type);
  if (KERNEL_READ(cgroup, struct bpf_cgroup_link, link, cgroup) && cgroup &&
      KERNEL_READ(node, struct cgroup, cgroup, kn) && node &&
      KERNEL_READ(record->cgroup_id, struct kernfs_node, node, id))
    record->known |= LINK_KNOWS_CGROUP;
}

static void ReadPerfEvent(struct link_record *record, struct bpf_link *link)
{
  __u64 file = 0, event = 0;

  if (KERNEL_READ(file, struct bpf_perf_link, link, perf_file) && file &&
      KERNEL_READ(event, struct file, file, private_data) && event &&
      KERNEL_READ(record->perf_type, struct perf_event, event, attr.type) &&
      KERNEL_READ(record->perf_config, struct perf_event, event, attr.config))
    record->known |= LINK_KNOWS_PERF;
}

/* A replacement (freplace) has no attach type: its program's 0 is the number of a real one. */
static void ReadTracing(struct link_record *record, struct link_text *text, struct bpf_link *link)
{
  if (record->program_type != BPF_PROG_TYPE_EXT) {
    record->attach_type = link->prog->expected_attach_type;
    record->known |= LINK_KNOWS_ATTACH_TYPE;
  }
  SetText(record, text, (__u64)link->prog->aux->attach_func_name);
}

static void ReadRawTracepoint(struct link_record *record, struct link_text *text, struct bpf_link *link)
{
  __u64 event = 0, tracepoint = 0, name = 0;

  if (KERNEL_READ(event, struct bpf_raw_tp_link, link, btp) && event &&
      KERNEL_READ(tracepoint, struct bpf_raw_event_map, event, tp) && tracepoint &&
      KERNEL_READ(name, struct tracepoint, tracepoint, name))
    SetText(record, text, name);
}

static void ReadIterator(struct link_record *record, struct link_text *text, struct bpf_link *link)
{
  __u64 info = 0, registration = 0, name = 0;

  if (KERNEL_READ(info, struct bpf_iter_link, link, tinfo) && info &&
      KERNEL_READ(registration, struct bpf_iter_target_info, info, reg_info) && registration &&
      KERNEL_READ(name, struct bpf_iter_reg, registration, target))
    SetText(record, text, name);
}

static void ReadTarget(struct link_record *record, struct link_text *text, struct bpf_link *link)
{
  __u64 pointer = 0;
  __u32 count = 0;

  switch (record->type) {
  case BPF_LINK_TYPE_RAW_TRACEPOINT:
    ReadRawTracepoint(record, text, link);
    break;
  case BPF_LINK_TYPE_TRACING:
    ReadTracing(record, text, link);
    break;
  case BPF_LINK_TYPE_CGROUP:
    ReadCgroup(record, link);
    break;
  case BPF_LINK_TYPE_ITER:
    ReadIterator(record, text, link);
    break;
  case BPF_LINK_TYPE_NETNS:
    SET_ATTACH_TYPE(record, struct bpf_netns_link___own_type, link, type);
    if (KERNEL_READ(pointer, struct bpf_netns_link, link, net))
      SetNetns(record, pointer);
    break;
  case BPF_LINK_TYPE_XDP:
    if (KERNEL_READ(pointer, struct bpf_xdp_link, link, dev))
      SetDevice(record, text, pointer);
    break;
  case 11: /* BPF_LINK_TYPE_TCX */
    SET_ATTACH_TYPE(record, struct tcx_link___own_type, link, location);
    if (KERNEL_READ(pointer, struct tcx_link, link, dev))
      SetDevice(record, text, pointer);
    break;
  case 13: /* BPF_LINK_TYPE_NETKIT */
    SET_ATTACH_TYPE(record, struct netkit_link___own_type, link, location);
    if (KERNEL_READ(pointer, struct netkit_link, link, dev))
      SetDevice(record, text, pointer);
    break;
  case BPF_LINK_TYPE_PERF_EVENT:
    ReadPerfEvent(record, link);
    break;
  case BPF_LINK_TYPE_KPROBE_MULTI:
    if (KERNEL_READ(count, struct bpf_kprobe_multi_link, link, cnt)) {
      record->count = count;
      record->known |= LINK_KNOWS_COUNT;
    }
    break;
  case 12: /* BPF_LINK_TYPE_UPROBE_MULTI: the only type whose struct bpf_link is not at its beginning */
    if (!bpf_core_type_exists(struct bpf_uprobe_multi_link)) /* 6.6 */
      break;
    pointer = (__u64)link - bpf_core_field_offset(struct bpf_uprobe_multi_link, link);
    if (KERNEL_READ(count, struct bpf_uprobe_multi_link, pointer, cnt)) {
      record->count = count;
      record->known |= LINK_KNOWS_COUNT;
    }
    break;
  case 10: /* BPF_LINK_TYPE_NETFILTER */
    ReadNetfilter(record, link);
    break;
  case BPF_LINK_TYPE_STRUCT_OPS:
    if (KERNEL_READ(pointer, struct bpf_struct_ops_link, link, map))
      SetMap(record, pointer);
    break;
  case 14: /* BPF_LINK_TYPE_SOCKMAP */
    SET_ATTACH_TYPE(record, struct sockmap_link___own_type, link, attach_type);
    if (KERNEL_READ(pointer, struct sockmap_link, link, map))
      SetMap(record, pointer);
    break;
  }
}

/*
 * Reads the attach type that every link has since 6.18. Skips links where it says nothing: for a raw tracepoint it is
 * 0, the number of cgroup_inet_ingress; for a tracing link, its program's attach type is more precise.
 */
static void ReadAttachType(struct link_record *record, struct bpf_link *link)
{
  if (!bpf_core_field_exists(link->attach_type) || record->type == BPF_LINK_TYPE_RAW_TRACEPOINT ||
      record->type == BPF_LINK_TYPE_TRACING)
    return;
  record->attach_type = link->attach_type;
  record->known |= LINK_KNOWS_ATTACH_TYPE;
}

SEC("iter/bpf_link")
int census_links(struct bpf_iter__bpf_link *ctx)
{
  struct bpf_link *link = ctx->link;
  struct link_record record = {};
  struct link_text text = {};
  __u32 text_size;

  if (!link || !link->id) /* 0: still being created */
    return 0;
  record.id = link->id;
  record.type = link->type;
  if (link->prog) { /* a struct_ops link has none */
    record.program_id = link->prog->aux->id;
    record.program_type = link->prog->type;
  }
  ReadAttachType(&record, link);
  ReadTarget(&record, &text, link);
  text_size = record.text_size; /* a copy: before 6.2 the verifier forgets the bounds of memory passed to a helper */
  if (text_size > sizeof(text))
    return 0;
  record.size = sizeof(record) + text_size;
  bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
  if (text_size)
    bpf_seq_write(ctx->meta->seq, &text, text_size);
  return 0;
}
