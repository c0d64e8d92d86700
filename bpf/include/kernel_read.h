/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#include "kernel_types.h"

/*
 * What an iterator may follow by plain loads of its typed context pointer, it does. Behind a container_of, an array of
 * pointers or a per-CPU pointer it needs one of two other ways:
 * - bpf_rdonly_cast (6.2): the loads stay plain ones that the kernel guards, so they work under every lockdown;
 * - bpf_probe_read_kernel (before 6.2): refused under lockdown=confidentiality, so user space turns it off there and
 *   does without.
 */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

const volatile bool may_probe_read = true;

/* Whether KERNEL_READ can read at all. */
#define KERNEL_READS (bpf_ksym_exists(bpf_rdonly_cast) || may_probe_read)

/* Reads the member `field` of the `type` at the address `ptr` into `dst`; false where neither way is open. */
#define KERNEL_READ(dst, type, ptr, field)                                                            \
  ({                                                                                                  \
    bool known_ = false;                                                                              \
    /* Outside bpf_core_read, which would also relocate the members of our own structs in `ptr`. */   \
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
 * Eight bytes at an address that is no member of a struct of its own: an element of an array of pointers, or a pointer
 * that is to be reckoned with (the verifier lets us add to a number, not to a typed pointer).
 */
#define KERNEL_READ_U64(dst, address) KERNEL_READ(dst, struct bpf_perf_event_value, address, counter)
