#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace bpftally {

const char* ErrorKindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kPermission:
      return "permission";
    case ErrorKind::kVanished:
      return "vanished";
    case ErrorKind::kUnsupported:
      return "unsupported";
    case ErrorKind::kExhausted:
      return "exhausted";
    case ErrorKind::kInvalid:
      return "invalid";
    case ErrorKind::kInternal:
      break;
  }
  return "internal";
}

ErrorKind KindOfErrno(int sys_errno) {
  switch (sys_errno) {
    case EPERM:
    case EACCES:
      return ErrorKind::kPermission;
    case ENOENT:
    case ESRCH:
    case ENODEV:
      return ErrorKind::kVanished;
    case ENOSYS:
    case EOPNOTSUPP:
    case 524:  // the kernel's ENOTSUPP, which bpf(2) passes to user space
      return ErrorKind::kUnsupported;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case ETIMEDOUT:
      return ErrorKind::kExhausted;
    default:
      return ErrorKind::kInternal;
  }
}

Error ErrnoError(int sys_errno, std::string context) {
  return {KindOfErrno(sys_errno), sys_errno,
          std::move(context) + ": " + std::generic_category().message(sys_errno)};
}

Error Wrap(Error error, const std::string& context) {
  error.message = context + ": " + error.message;
  return error;
}

}  // namespace bpftally
