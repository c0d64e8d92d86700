#pragma once

#include "base/error.h"

namespace bpftally {

// What the process says at its end; the upper three are those of sysexits.h.
enum ExitStatus : int {
  kExitSuccess = 0,
  kExitFailure = 1,
  kExitUsage = 2,         // the command line
  kExitUnavailable = 69,  // this kernel does not have what is needed
  kExitPermission = 77,   // a capability or a mount is missing
  kExitConfig = 78,       // a file or an address that the user named does not do
};

ExitStatus ExitStatusOf(const Error& error);

}  // namespace bpftally
