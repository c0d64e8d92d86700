#pragma once

#include <string>
#include <string_view>

namespace bpftally {

// Returns whether this process has a user namespace of its own, as in a rootless container. It does
// not have the capabilities of the host then, which bpf(2) needs.
bool IsInUserNamespace();

// Says what to do where the kernel answers EPERM for want of capabilities: "needs CAP_BPF: run with
// sudo", and the other way there is, if any; or why neither helps here.
std::string CapabilityAdvice(std::string_view capabilities, std::string_view other_way = {});

}  // namespace bpftally
