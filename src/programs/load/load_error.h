#pragma once

// What libbpf, the verifier and the kernel say, in words that tell what to do.

#include <bpf/libbpf.h>

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bpftally {

// Of an object as a whole: its file, its maps.
Error ObjectError(const std::string& path, int sys_errno, std::string_view warning);

// Of a program that the kernel does not take. `log`: the verifier's, may be empty.
Error RefusedError(std::string_view program, std::string_view section, int sys_errno,
                   std::string_view log, std::span<const std::string> warnings);

// Of a program that is loaded but does not attach.
Error AttachError(const bpf_program* program, int sys_errno, std::string_view warning);

// The end of a verifier's log, where the reason stands: its last lines but for the statistics, as
// one line.
std::string LastLines(std::string_view log);

}  // namespace bpftally
