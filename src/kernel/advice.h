#pragma once

#include <string>
#include <string_view>

namespace bpftally {

// Whether this process has a user namespace of its own, as in a rootless container. Its
// capabilities are not those of the host then, and bpf(2) wants these.
bool IsInUserNamespace();

// What to do where the kernel answers EPERM for want of capabilities: "needs CAP_BPF: run with
// sudo", and the other way there is, if any; or why neither helps here.
std::string CapabilityAdvice(std::string_view capabilities, std::string_view other_way = {});

}  // namespace bpftally
