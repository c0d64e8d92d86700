#include "daemon/exit_status.h"

namespace bpftally {

ExitStatus ExitStatusOf(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kPermission:
      return kExitPermission;
    case ErrorKind::kUnsupported:
      return kExitUnavailable;
    case ErrorKind::kInvalid:
      return kExitConfig;
    case ErrorKind::kVanished:
    case ErrorKind::kExhausted:
    case ErrorKind::kInternal:
      return kExitFailure;
  }
  return kExitFailure;
}

}  // namespace bpftally
