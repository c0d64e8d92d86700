#pragma once

// Makes errors from the words of libbpf, the verifier and the kernel, and adds what to do.

#include <bpf/libbpf.h>

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bpftally {

// Makes the error of an object as a whole: of its file or its maps.
Error ObjectError(const std::string& path, int sys_errno, std::string_view warning);

// Makes the error of a program that the kernel refuses. `log` is the verifier's; may be empty.
Error RefusedError(std::string_view program, std::string_view section, int sys_errno,
                   std::string_view log, std::span<const std::string> warnings);

// Makes the error of a program that is loaded but does not attach.
Error AttachError(const bpf_program* program, int sys_errno, std::string_view warning);

// Returns the end of a verifier's log, which has the reason: its last lines except the statistics,
// joined into one line.
std::string LastLines(std::string_view log);

}  // namespace bpftally
