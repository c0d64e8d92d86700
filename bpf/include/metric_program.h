/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

/* Helpers for metric programs: counting in maps, and slots of histograms. */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#define NANOSECONDS_PER_MICROSECOND 1000ull

/* Adds to a counter. Atomic even in a per-CPU map: an interrupt on this CPU may run the same program in between. */
static __always_inline void Add(void *map, const void *key, __u64 amount)
{
  static const __u64 zero;
  __u64 *value = bpf_map_lookup_elem(map, key);

  if (!value) {
    bpf_map_update_elem(map, key, &zero, BPF_NOEXIST);
    value = bpf_map_lookup_elem(map, key);
    if (!value)
      return; /* the map is full */
  }
  __sync_fetch_and_add(value, amount);
}

/* Returns the lowest i with value <= 2^i: the slot in an exp2 histogram, whose bounds are inclusive. */
static __always_inline __u32 Exp2Slot(__u64 value, __u32 last_slot)
{
  __u32 slot = 1;

  if (value <= 1)
    return 0;
  value -= 1;
  if (value >> 32) {
    value >>= 32;
    slot += 32;
  }
  if (value >> 16) {
    value >>= 16;
    slot += 16;
  }
  if (value >> 8) {
    value >>= 8;
    slot += 8;
  }
  if (value >> 4) {
    value >>= 4;
    slot += 4;
  }
  if (value >> 2) {
    value >>= 2;
    slot += 2;
  }
  slot += value >> 1;
  return slot < last_slot ? slot : last_slot;
}

/* Returns the exp2 slot of a duration in microseconds. Rounds up, so that bounds stay exact. */
static __always_inline __u32 MicrosecondSlot(__u64 nanoseconds, __u32 last_slot)
{
  return Exp2Slot((nanoseconds + NANOSECONDS_PER_MICROSECOND - 1) / NANOSECONDS_PER_MICROSECOND, last_slot);
}

/* Converts a duration for sums. Rounds, so that many short durations do not add up to zero. */
static __always_inline __u64 Microseconds(__u64 nanoseconds)
{
  return (nanoseconds + NANOSECONDS_PER_MICROSECOND / 2) / NANOSECONDS_PER_MICROSECOND;
}
