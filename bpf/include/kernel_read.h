/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#include "kernel_types.h"

/*
 * Reads kernel memory that an iterator cannot reach by plain loads from its typed context pointer: memory behind a
 * container_of, an array of pointers, or a per-CPU pointer. There are two ways:
 * - bpf_rdonly_cast (6.2): allows plain loads, which the kernel guards, so they work under every lockdown;
 * - bpf_probe_read_kernel (before 6.2): refused under lockdown=confidentiality, where user space turns it off and does
 *   without these values.
 */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

const volatile bool may_probe_read = true;

/* True if KERNEL_READ can read at all. */
#define KERNEL_READS (bpf_ksym_exists(bpf_rdonly_cast) || may_probe_read)

/* Reads the member `field` of the `type` at the address `ptr` into `dst`; false if neither way is available. */
#define KERNEL_READ(dst, type, ptr, field)                                                            \
  ({                                                                                                  \
    bool known_ = false;                                                                              \
    /* Not inside bpf_core_read, which would also relocate members of our own structs in `ptr`. */    \
    const void *from_ = (const void *)(ptr);                                                          \
    if (bpf_core_field_exists(type, field)) {                                                         \
      if (bpf_ksym_exists(bpf_rdonly_cast)) {                                                         \
        const type *cast_ = bpf_rdonly_cast(from_, bpf_core_type_id_kernel(type));                    \
        (dst) = *(const typeof(dst) *)&cast_->field;                                                  \
        known_ = true;                                                                                \
      } else if (may_probe_read) {                                                                    \
        known_ = bpf_core_read(&(dst), sizeof(dst), &((const type *)from_)->field) == 0;              \
      }                                                                                               \
    }                                                                                                 \
    known_;                                                                                           \
  })

/*
 * Reads eight bytes at an address that belongs to no struct: an element of an array of pointers, or a pointer needed as
 * a number, since the verifier allows arithmetic on numbers but not on typed pointers.
 */
#define KERNEL_READ_U64(dst, address) KERNEL_READ(dst, struct bpf_perf_event_value, address, counter)
