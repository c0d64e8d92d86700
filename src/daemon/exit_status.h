#pragma once

#include "base/error.h"

namespace bpftally {

// Exit statuses of the process; the upper three are those of sysexits.h.
enum ExitStatus : int {
  kExitSuccess = 0,
  kExitFailure = 1,
  kExitUsage = 2,         // the command line is wrong
  kExitUnavailable = 69,  // this kernel lacks a feature that is needed
  kExitPermission = 77,   // a capability or a mount is missing
  kExitConfig = 78,       // a file or address that the user gave is invalid
};

ExitStatus ExitStatusOf(const Error& error);

}  // namespace bpftally
