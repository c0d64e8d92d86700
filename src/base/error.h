#pragma once

#include <expected>
#include <string>
#include <utility>

namespace bpftally {

enum class ErrorKind {
  kPermission,   // EPERM, EACCES: the message names the capability and what to do
  kVanished,     // ENOENT for an object that was there a moment ago: normal, count it and go on
  kUnsupported,  // this kernel, or this build, does not have it
  kExhausted,    // a limit: file descriptors, memory, time
  kInvalid,      // bad input of the user
  kInternal,     // everything else
};

// Stable, lower-case name of a kind: the value of the `reason` label of error counters.
const char* ErrorKindName(ErrorKind kind);

struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::kInternal;
  int sys_errno = 0;  // 0 where no system call failed
  std::string message;

  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;

// The kind that an errno means when nothing more is known about the call.
ErrorKind KindOfErrno(int sys_errno);

// "context: strerror", with the kind that the errno means.
Error ErrnoError(int sys_errno, std::string context);

// Adds what was being done, once per layer: "context: message".
Error Wrap(Error error, const std::string& context);

}  // namespace bpftally
