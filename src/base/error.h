#pragma once

#include <expected>
#include <string>
#include <utility>

namespace bpftally {

enum class ErrorKind {
  kPermission,   // EPERM, EACCES; the message names the capability and the remedy
  kVanished,     // ENOENT for an object that existed a moment ago; normal: count it and go on
  kUnsupported,  // not available in this kernel or build
  kExhausted,    // a limit: file descriptors, memory, time
  kInvalid,      // wrong input from the user
  kInternal,     // everything else
};

// Returns the stable, lower-case name of a kind: the `reason` label of error counters.
const char* ErrorKindName(ErrorKind kind);

struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::kInternal;
  int sys_errno = 0;  // 0: no system call failed
  std::string message;

  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;

// Returns the kind that an errno means when nothing more is known about the call.
ErrorKind KindOfErrno(int sys_errno);

// Makes an error "context: strerror" of the kind that the errno means.
Error ErrnoError(int sys_errno, std::string context);

// Prefixes the message with what was being done ("context: message"). Once per layer.
Error Wrap(Error error, const std::string& context);

}  // namespace bpftally
