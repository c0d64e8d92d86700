#include "population/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/clock.h"
#include "population/kernel_abilities.h"
#include "population/libbpf_options.h"

namespace bpftally {
namespace {

struct Spec {
  const char* label;
  bpf_prog_type type;
  int result = 0;  // return value of the program, harmless at its hook
  bpf_attach_type attach = static_cast<bpf_attach_type>(0);
  const char* target = nullptr;  // name in the kernel's BTF, for tracing and lsm
};

// Every type but struct_ops and ext, which are loaded from objects with BTF.
constexpr Spec kSpecs[] = {
    {"socket_filter", BPF_PROG_TYPE_SOCKET_FILTER},
    {"kprobe", BPF_PROG_TYPE_KPROBE},
    {"sched_cls", BPF_PROG_TYPE_SCHED_CLS, -1},
    {"sched_act", BPF_PROG_TYPE_SCHED_ACT},
    {"tracepoint", BPF_PROG_TYPE_TRACEPOINT},
    {"xdp", BPF_PROG_TYPE_XDP, 2, BPF_XDP},
    {"perf_event", BPF_PROG_TYPE_PERF_EVENT},
    {"cgroup_skb/ingress", BPF_PROG_TYPE_CGROUP_SKB, 1, BPF_CGROUP_INET_INGRESS},
    {"cgroup_skb/egress", BPF_PROG_TYPE_CGROUP_SKB, 1, BPF_CGROUP_INET_EGRESS},
    {"cgroup_sock", BPF_PROG_TYPE_CGROUP_SOCK, 1, BPF_CGROUP_INET_SOCK_CREATE},
    {"lwt_in", BPF_PROG_TYPE_LWT_IN},
    {"lwt_out", BPF_PROG_TYPE_LWT_OUT},
    {"lwt_xmit", BPF_PROG_TYPE_LWT_XMIT},
    {"sock_ops", BPF_PROG_TYPE_SOCK_OPS, 0, BPF_CGROUP_SOCK_OPS},
    {"sk_skb", BPF_PROG_TYPE_SK_SKB, 1, BPF_SK_SKB_STREAM_VERDICT},
    {"cgroup_device", BPF_PROG_TYPE_CGROUP_DEVICE, 1, BPF_CGROUP_DEVICE},
    {"sk_msg", BPF_PROG_TYPE_SK_MSG, 1, BPF_SK_MSG_VERDICT},
    {"raw_tracepoint", BPF_PROG_TYPE_RAW_TRACEPOINT},
    {"cgroup_sock_addr", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 1, BPF_CGROUP_INET4_CONNECT},
    {"lwt_seg6local", BPF_PROG_TYPE_LWT_SEG6LOCAL},
    {"lirc_mode2", BPF_PROG_TYPE_LIRC_MODE2, 0, BPF_LIRC_MODE2},
    {"sk_reuseport", BPF_PROG_TYPE_SK_REUSEPORT, 1, BPF_SK_REUSEPORT_SELECT},
    {"flow_dissector", BPF_PROG_TYPE_FLOW_DISSECTOR, 0, BPF_FLOW_DISSECTOR},
    {"cgroup_sysctl", BPF_PROG_TYPE_CGROUP_SYSCTL, 1, BPF_CGROUP_SYSCTL},
    {"raw_tracepoint_writable", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE},
    {"cgroup_sockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, 1, BPF_CGROUP_GETSOCKOPT},
    {"tracing/tp_btf", BPF_PROG_TYPE_TRACING, 0, BPF_TRACE_RAW_TP, "task_newtask"},
    {"tracing/iter/task", BPF_PROG_TYPE_TRACING, 0, BPF_TRACE_ITER, "task"},
    {"tracing/iter/bpf_map_elem", BPF_PROG_TYPE_TRACING, 0, BPF_TRACE_ITER, "bpf_map_elem"},
    {"tracing/iter/cgroup", BPF_PROG_TYPE_TRACING, 0, BPF_TRACE_ITER, "cgroup"},
    {"tracing/fentry", BPF_PROG_TYPE_TRACING, 0, BPF_TRACE_FENTRY, "bpf_fentry_test1"},
    {"lsm/mac", BPF_PROG_TYPE_LSM, 0, BPF_LSM_MAC, "settime"},
    {"lsm/cgroup", BPF_PROG_TYPE_LSM, 1, BPF_LSM_CGROUP, "socket_bind"},
    {"sk_lookup", BPF_PROG_TYPE_SK_LOOKUP, 1, BPF_SK_LOOKUP},
    {"syscall", BPF_PROG_TYPE_SYSCALL},
    {"netfilter", BPF_PROG_TYPE_NETFILTER, 1, BPF_NETFILTER},
    {"kprobe/multi", BPF_PROG_TYPE_KPROBE, 0, BPF_TRACE_KPROBE_MULTI},
    {"uprobe/multi", BPF_PROG_TYPE_KPROBE, 0, BPF_TRACE_UPROBE_MULTI},
};

struct Load {
  std::string label;
  std::string name;  // the kernel keeps at most 15 characters
  bpf_prog_type type;
  std::vector<bpf_insn> code;
  const char* license = "GPL";
  bpf_prog_load_opts options = EmptyOptions<bpf_prog_load_opts>();
};

constexpr bpf_insn Move(int value) {
  return {.code = BPF_ALU64 | BPF_MOV | BPF_K,
          .dst_reg = BPF_REG_0,
          .src_reg = 0,
          .off = 0,
          .imm = value};
}
constexpr bpf_insn StoreZero(int16_t stack_offset) {
  return {.code = BPF_ST | BPF_MEM | BPF_DW,
          .dst_reg = BPF_REG_10,
          .src_reg = 0,
          .off = stack_offset,
          .imm = 0};
}
constexpr bpf_insn kExit = {
    .code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0};

void LoadOne(Made& made, Load load) {
  KnownProgram program;
  program.label = load.label;
  program.loaded_after_ns = SystemClock().WallNanoseconds();
  program.fd.Reset(bpf_prog_load(load.type, load.name.c_str(), load.license, load.code.data(),
                                 load.code.size(), &load.options));
  const int failed = errno;
  program.loaded_before_ns = SystemClock().WallNanoseconds();
  if (!program.fd) {
    made.Refuse("program " + load.label, failed, !KernelHasProgramType(load.type));
    return;
  }
  ProgramInfo& known = program.made;
  known.type = load.type;
  known.name = load.name.substr(0, BPF_OBJ_NAME_LEN - 1);
  known.gpl_compatible = std::string_view(load.license) == "GPL";
  known.uid = ::getuid();
  known.translated_bytes = static_cast<uint32_t>(load.code.size() * sizeof(bpf_insn));
  known.verified_instructions = static_cast<uint32_t>(load.code.size());
  known.map_ids.emplace();
  known.btf_id = 0;
  known.stack_depth_bytes = load.code[0].code == StoreZero(0).code ? -load.code[0].off : 0;
  known.subprograms = 1;
  Keep(made, std::move(program));
}

// Returns false if the running kernel has no such function, tracepoint or iterator.
bool Aim(Load& load, const Spec& spec) {
  load.options.expected_attach_type = spec.attach;
  if (spec.type == BPF_PROG_TYPE_SYSCALL) load.options.prog_flags = BPF_F_SLEEPABLE;
  if (spec.target == nullptr) return true;
  const int id = libbpf_find_vmlinux_btf_id(spec.target, spec.attach);
  load.options.attach_btf_id = static_cast<uint32_t>(id);
  return id > 0;
}

void LoadSpec(Made& made, const Spec& spec) {
  Load load{.label = spec.label,
            .name = spec.label,
            .type = spec.type,
            .code = {Move(spec.result), kExit}};
  for (char& letter : load.name) letter = letter == '/' ? '.' : letter;
  if (Aim(load, spec)) {
    LoadOne(made, std::move(load));
  } else {
    made.Refuse("program " + load.label, ENOENT, true);
  }
}

}  // namespace

void MakePlainPrograms(Made& made) {
  for (const Spec& spec : kSpecs) LoadSpec(made, spec);
  LoadOne(made, {.label = "nameless",
                 .name = "",
                 .type = BPF_PROG_TYPE_SOCKET_FILTER,
                 .code = {Move(0), kExit}});
  LoadOne(made, {.label = "proprietary",
                 .name = "proprietary",
                 .type = BPF_PROG_TYPE_XDP,
                 .code = {Move(2), kExit},
                 .license = "Proprietary"});
  LoadOne(made, {.label = "stack",
                 .name = "stack",
                 .type = BPF_PROG_TYPE_SOCKET_FILTER,
                 .code = {StoreZero(-64), Move(0), kExit}});
  LoadOne(made, {.label = "missed",
                 .name = "missed",
                 .type = BPF_PROG_TYPE_TRACEPOINT,
                 .code = {Move(0), kExit}});
  // Has the same code and name as another program: only the id differs.
  LoadOne(made, {.label = "twin",
                 .name = "stack",
                 .type = BPF_PROG_TYPE_SOCKET_FILTER,
                 .code = {StoreZero(-64), Move(0), kExit}});
}

}  // namespace bpftally
