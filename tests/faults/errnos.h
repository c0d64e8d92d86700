#pragma once

// The ways in which a system call of the matrices fails.

#include <array>
#include <cerrno>

namespace bpftally {

inline constexpr int kNotSupported = 524;  // ENOTSUPP of the kernel, which has no name out here

inline constexpr auto kErrnos = std::to_array(
    {EPERM,  EACCES, ENOENT, EAGAIN, EINTR, ENOMEM,     ENOSPC, EINVAL, kNotSupported, EBADF,
     EMFILE, ENFILE, EFAULT, E2BIG,  EIO,   EOPNOTSUPP, EBUSY,  ENOSYS, ENODEV,        ESTALE});

}  // namespace bpftally
