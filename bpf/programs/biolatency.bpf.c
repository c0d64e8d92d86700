/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Measures block requests: time from issue to completion, and size, by disk and operation. */
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define OPERATION_MASK 0xff
#define OTHER_OPERATION 255
#define LAST_LATENCY_SLOT 26 /* up to 67 s */
#define LAST_SIZE_SLOT 15    /* up to 32 MiB */
#define BYTES_PER_KIBIBYTE 1024

struct histogram_key {
  __u32 device;
  __u8 operation;
  __u8 slot;
  __u16 padding;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8192);
  __type(key, struct histogram_key);
  __type(value, __u64);
} bio_latency_seconds SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8192);
  __type(key, struct histogram_key);
  __type(value, __u64);
} bio_size_bytes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH); /* drops requests that never complete */
  __uint(max_entries, 16384);
  __type(key, __u64);
  __type(value, __u64);
} issue_times SEC(".maps");

/* Encodes a device number as user space does in 32 bits, for the decoder majorminor. */
static __u32 DeviceNumber(const struct gendisk *disk)
{
  __u32 major = disk->major, minor = disk->first_minor;

  return (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12);
}

/* Keeps the operations whose numbers are the same in all kernels; those of zones and pass-through differ. */
static __u8 Operation(const struct request *request)
{
  __u32 operation = request->cmd_flags & OPERATION_MASK;

  switch (operation) {
    case 0: /* read */
    case 1: /* write */
    case 2: /* flush */
    case 3: /* discard */
    case 5: /* secure erase */
    case 9: /* write zeroes */
      return operation;
    default:
      return OTHER_OPERATION;
  }
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(request_issued, struct request *request)
{
  __u64 address = (__u64)request, now = bpf_ktime_get_ns();

  bpf_map_update_elem(&issue_times, &address, &now, BPF_ANY);
  return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(request_completed, struct request *request, int error, unsigned int bytes)
{
  __u64 address = (__u64)request, *issued = bpf_map_lookup_elem(&issue_times, &address);
  const struct gendisk *disk = request->q->disk;
  struct histogram_key key = {};
  __u64 nanoseconds, kibibytes;

  if (!issued)
    return 0;
  nanoseconds = bpf_ktime_get_ns() - *issued;
  bpf_map_delete_elem(&issue_times, &address);
  if (!disk)
    return 0; /* the device has no disk yet, or no longer */
  key.device = DeviceNumber(disk);
  key.operation = Operation(request);

  key.slot = MicrosecondSlot(nanoseconds, LAST_LATENCY_SLOT);
  Add(&bio_latency_seconds, &key, 1);
  key.slot = LAST_LATENCY_SLOT + 1;
  Add(&bio_latency_seconds, &key, Microseconds(nanoseconds));

  kibibytes = ((__u64)bytes + BYTES_PER_KIBIBYTE - 1) / BYTES_PER_KIBIBYTE;
  key.slot = Exp2Slot(kibibytes, LAST_SIZE_SLOT);
  Add(&bio_size_bytes, &key, 1);
  key.slot = LAST_SIZE_SLOT + 1;
  Add(&bio_size_bytes, &key, kibibytes);
  return 0;
}
