#pragma once

// Names of links' targets: the same words whichever source they come from.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bpftally {

std::string PerfEventTarget(uint32_t type, uint64_t config);  // "software:cpu-clock", "raw:0x1c2"
std::string ProbeTarget(std::string_view path_or_function,
                        uint64_t offset);  // "/bin/x:0x1130", "do_exit+0x10"
std::string NetfilterTarget(uint32_t family, uint32_t hook, int32_t priority);  // "ipv4:input:-128"
std::string NetnsTarget(uint64_t inode);  // "net:[4026531840]", as /proc says it

}  // namespace bpftally
