/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counts packets that the kernel dropped, by reason. */
#include "drop_reasons.h"
#include "metric_program.h"
#include "traced_types.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define DECLARE(name) SKB_DROP_REASON_##name,
#define NUMBER(name) REASON_##name,
#define REASON_LIMIT 256 /* reasons of the core network; those of subsystems are above */

enum skb_drop_reason { FOR_EACH_DROP_REASON(DECLARE) }; /* 5.17; CO-RE finds the running kernel's numbers by name */

enum { REASON_OTHER, FOR_EACH_DROP_REASON(NUMBER) REASON_COUNT };
_Static_assert(REASON_COUNT <= REASON_LIMIT, "a number has to go into a byte");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, REASON_COUNT);
  __type(key, __u32);
  __type(value, __u64);
} packet_drops_total SEC(".maps");

static __u8 numbers[REASON_LIMIT]; /* our number for each of the kernel's */
static bool numbers_known;

#define LEARN(name)                                                                                           \
  if (bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_##name))                               \
    numbers[bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_##name) % REASON_LIMIT] = REASON_##name;

/* Fills the table at the first packet. CPUs that do so at once write the same values. */
static __noinline void LearnNumbers(void)
{
  FOR_EACH_DROP_REASON(LEARN)
  numbers_known = true;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(packet_dropped)
{
  __u32 reason = REASON_OTHER;

  if (!numbers_known)
    LearnNumbers();
  /* The argument exists since 5.17. */
  if (bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_NOT_SPECIFIED) && (__u32)ctx[2] < REASON_LIMIT)
    reason = numbers[(__u32)ctx[2]];
  Add(&packet_drops_total, &reason, 1);
  return 0;
}
