/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

/* The IP family of TCP connections. */
#include "traced_types.h"

#include <bpf/bpf_endian.h>

#define FAMILY_IPV4 2
#define FAMILY_IPV6 10

/* True for ::ffff:a.b.c.d, which stands for an IPv4 address. */
static __always_inline bool IsMapped(const struct in6_addr *address)
{
  const __u32 *words = address->in6_u.u6_addr32;

  return words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff);
}

/*
 * Returns the family of a connection's packets, which need not be the socket's: a socket of IPv6 also speaks IPv4. It
 * then knows the other side by a mapped address. All sockets of Java are like that.
 */
static __always_inline __u16 IpFamily(const struct sock_common *sock)
{
  if (sock->skc_family == FAMILY_IPV6 && bpf_core_field_exists(sock->skc_v6_daddr) && IsMapped(&sock->skc_v6_daddr))
    return FAMILY_IPV4;
  return sock->skc_family;
}
