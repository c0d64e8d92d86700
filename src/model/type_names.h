#pragma once

// The kernel's names of its enums, as bpftool prints them: every value of the newest uapi header,
// whatever header this was built with; "unknown_N" beyond. The views point to static storage, but
// for the unknown ones (see UnknownTypeName).

#include <cstdint>
#include <string>
#include <string_view>

namespace bpftally {

std::string_view ProgramTypeName(uint32_t type);  // enum bpf_prog_type: "xdp", "tracing", …
std::string_view MapTypeName(uint32_t type);      // enum bpf_map_type: "percpu_hash", …
std::string_view LinkTypeName(uint32_t type);     // enum bpf_link_type: "kprobe_multi", …
std::string_view AttachTypeName(uint32_t type);   // enum bpf_attach_type: "cgroup_inet_ingress", …

}  // namespace bpftally
