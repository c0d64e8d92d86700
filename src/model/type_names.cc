#include "model/type_names.h"

#include <array>
#include <charconv>
#include <mutex>
#include <set>
#include <span>
#include <string>

#include "model/map_types.h"

namespace bpftally {
namespace {

// In the order of the uapi enums, from 0.
constexpr auto kProgramTypes = std::to_array<std::string_view>({"unspec",
                                                                "socket_filter",
                                                                "kprobe",
                                                                "sched_cls",
                                                                "sched_act",
                                                                "tracepoint",
                                                                "xdp",
                                                                "perf_event",
                                                                "cgroup_skb",
                                                                "cgroup_sock",
                                                                "lwt_in",
                                                                "lwt_out",
                                                                "lwt_xmit",
                                                                "sock_ops",
                                                                "sk_skb",
                                                                "cgroup_device",
                                                                "sk_msg",
                                                                "raw_tracepoint",
                                                                "cgroup_sock_addr",
                                                                "lwt_seg6local",
                                                                "lirc_mode2",
                                                                "sk_reuseport",
                                                                "flow_dissector",
                                                                "cgroup_sysctl",
                                                                "raw_tracepoint_writable",
                                                                "cgroup_sockopt",
                                                                "tracing",
                                                                "struct_ops",
                                                                "ext",
                                                                "lsm",
                                                                "sk_lookup",
                                                                "syscall",
                                                                "netfilter"});

constexpr auto kLinkTypes = std::to_array<std::string_view>(
    {"unspec", "raw_tracepoint", "tracing", "cgroup", "iter", "netns", "xdp", "perf_event",
     "kprobe_multi", "struct_ops", "netfilter", "tcx", "uprobe_multi", "netkit", "sockmap",
     "tracing_multi"});

constexpr auto kAttachTypes = std::to_array<std::string_view>({"cgroup_inet_ingress",
                                                               "cgroup_inet_egress",
                                                               "cgroup_inet_sock_create",
                                                               "cgroup_sock_ops",
                                                               "sk_skb_stream_parser",
                                                               "sk_skb_stream_verdict",
                                                               "cgroup_device",
                                                               "sk_msg_verdict",
                                                               "cgroup_inet4_bind",
                                                               "cgroup_inet6_bind",
                                                               "cgroup_inet4_connect",
                                                               "cgroup_inet6_connect",
                                                               "cgroup_inet4_post_bind",
                                                               "cgroup_inet6_post_bind",
                                                               "cgroup_udp4_sendmsg",
                                                               "cgroup_udp6_sendmsg",
                                                               "lirc_mode2",
                                                               "flow_dissector",
                                                               "cgroup_sysctl",
                                                               "cgroup_udp4_recvmsg",
                                                               "cgroup_udp6_recvmsg",
                                                               "cgroup_getsockopt",
                                                               "cgroup_setsockopt",
                                                               "trace_raw_tp",
                                                               "trace_fentry",
                                                               "trace_fexit",
                                                               "modify_return",
                                                               "lsm_mac",
                                                               "trace_iter",
                                                               "cgroup_inet4_getpeername",
                                                               "cgroup_inet6_getpeername",
                                                               "cgroup_inet4_getsockname",
                                                               "cgroup_inet6_getsockname",
                                                               "xdp_devmap",
                                                               "cgroup_inet_sock_release",
                                                               "xdp_cpumap",
                                                               "sk_lookup",
                                                               "xdp",
                                                               "sk_skb_verdict",
                                                               "sk_reuseport_select",
                                                               "sk_reuseport_select_or_migrate",
                                                               "perf_event",
                                                               "trace_kprobe_multi",
                                                               "lsm_cgroup",
                                                               "struct_ops",
                                                               "netfilter",
                                                               "tcx_ingress",
                                                               "tcx_egress",
                                                               "trace_uprobe_multi",
                                                               "cgroup_unix_connect",
                                                               "cgroup_unix_sendmsg",
                                                               "cgroup_unix_recvmsg",
                                                               "cgroup_unix_getpeername",
                                                               "cgroup_unix_getsockname",
                                                               "netkit_primary",
                                                               "netkit_peer",
                                                               "trace_kprobe_session",
                                                               "trace_uprobe_session",
                                                               "trace_fsession",
                                                               "trace_fentry_multi",
                                                               "trace_fexit_multi",
                                                               "trace_fsession_multi"});

// The kernel has few types, so the set of unknown ones that one host can show stays small.
std::string_view UnknownTypeName(uint32_t type) {
  static std::mutex mutex;
  static std::set<std::string> names;
  const std::lock_guard lock(mutex);
  return *names.insert("unknown_" + std::to_string(type)).first;
}

std::string_view NameIn(std::span<const std::string_view> names, uint32_t type) {
  return type < names.size() ? names[type] : UnknownTypeName(type);
}

}  // namespace

std::string_view ProgramTypeName(uint32_t type) { return NameIn(kProgramTypes, type); }
std::string_view MapTypeName(uint32_t type) {
  const std::string_view name = MapTypeOf(type).name;
  return name.empty() ? UnknownTypeName(type) : name;
}
std::string_view LinkTypeName(uint32_t type) { return NameIn(kLinkTypes, type); }
std::string_view AttachTypeName(uint32_t type) { return NameIn(kAttachTypes, type); }

}  // namespace bpftally
