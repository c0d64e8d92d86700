#include "population/links.h"

#include <bpf/bpf.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "population/kernel_abilities.h"
#include "population/libbpf_options.h"

namespace bpftally {
namespace {

enum class Place { kNowhere, kCgroup, kNetns, kInterface, kSockmap };

struct Spec {
  const char* label;
  const char* program;
  bpf_link_type type;
  bpf_attach_type attach;
  Place place;
  const char* needs;  // a function that exists in kernels with this type of link
  const char* target = nullptr;
};

constexpr Spec kSpecs[] = {
    {"tracing/lsm", "lsm/mac", BPF_LINK_TYPE_TRACING, BPF_LSM_MAC, Place::kNowhere,
     "bpf_lsm_settime", "bpf_lsm_settime"},
    {"tracing/fentry", "tracing/fentry", BPF_LINK_TYPE_TRACING, BPF_TRACE_FENTRY, Place::kNowhere,
     "bpf_trampoline_link_prog", "bpf_fentry_test1"},
    {"cgroup/ingress", "cgroup_skb/ingress", BPF_LINK_TYPE_CGROUP, BPF_CGROUP_INET_INGRESS,
     Place::kCgroup, "cgroup_bpf_link_attach"},
    {"cgroup/egress", "cgroup_skb/egress", BPF_LINK_TYPE_CGROUP, BPF_CGROUP_INET_EGRESS,
     Place::kCgroup, "cgroup_bpf_link_attach"},
    {"cgroup/sock", "cgroup_sock", BPF_LINK_TYPE_CGROUP, BPF_CGROUP_INET_SOCK_CREATE,
     Place::kCgroup, "cgroup_bpf_link_attach"},
    {"cgroup/sock_ops", "sock_ops", BPF_LINK_TYPE_CGROUP, BPF_CGROUP_SOCK_OPS, Place::kCgroup,
     "cgroup_bpf_link_attach"},
    {"cgroup/device", "cgroup_device", BPF_LINK_TYPE_CGROUP, BPF_CGROUP_DEVICE, Place::kCgroup,
     "cgroup_bpf_link_attach"},
    {"cgroup/connect4", "cgroup_sock_addr", BPF_LINK_TYPE_CGROUP, BPF_CGROUP_INET4_CONNECT,
     Place::kCgroup, "cgroup_bpf_link_attach"},
    {"cgroup/sysctl", "cgroup_sysctl", BPF_LINK_TYPE_CGROUP, BPF_CGROUP_SYSCTL, Place::kCgroup,
     "cgroup_bpf_link_attach"},
    {"cgroup/getsockopt", "cgroup_sockopt", BPF_LINK_TYPE_CGROUP, BPF_CGROUP_GETSOCKOPT,
     Place::kCgroup, "cgroup_bpf_link_attach"},
    {"cgroup/lsm", "lsm/cgroup", BPF_LINK_TYPE_CGROUP, BPF_LSM_CGROUP, Place::kCgroup,
     "bpf_lsm_socket_bind"},
    {"netns/flow_dissector", "flow_dissector", BPF_LINK_TYPE_NETNS, BPF_FLOW_DISSECTOR,
     Place::kNetns, "netns_bpf_link_create"},
    {"netns/sk_lookup", "sk_lookup", BPF_LINK_TYPE_NETNS, BPF_SK_LOOKUP, Place::kNetns,
     "netns_bpf_link_create"},
    {"xdp", "xdp", BPF_LINK_TYPE_XDP, BPF_XDP, Place::kInterface, "bpf_xdp_link_attach"},
    {"tcx/ingress", "sched_cls", BPF_LINK_TYPE_TCX, BPF_TCX_INGRESS, Place::kInterface,
     "tcx_link_attach"},
    {"tcx/egress", "sched_cls", BPF_LINK_TYPE_TCX, BPF_TCX_EGRESS, Place::kInterface,
     "tcx_link_attach"},
    {"sockmap", "sk_skb", static_cast<bpf_link_type>(14), BPF_SK_SKB_STREAM_VERDICT,
     Place::kSockmap, "sock_map_link_create"},
};

class Maker {
 public:
  Maker(Made& made, const OwnCgroup& cgroup, const OwnNetns& netns)
      : made_(made), cgroup_(cgroup), netns_(netns) {}

  void Make(const Spec& spec) {
    const KnownProgram* program = made_.Program(spec.program);
    if (program == nullptr) return;
    KnownLink link;
    link.label = spec.label;
    link.made = FactsOf(spec, *program);
    link.fd.Reset(bpf_link_create(program->fd.get(), PlaceFd(spec.place), spec.attach, nullptr));
    Finish(std::move(link), spec.needs);
  }

  void MakeRawTracepoint(const char* program_label, const char* tracepoint) {
    const KnownProgram* program = made_.Program(program_label);
    if (program == nullptr) return;
    KnownLink link;
    link.label = std::string("raw_tracepoint/") + program_label;
    link.made.type = BPF_LINK_TYPE_RAW_TRACEPOINT;
    link.made.program_id = program->made.id;
    link.made.target = tracepoint;
    link.lacks_attach_type = true;
    const bool by_btf = program->made.type == BPF_PROG_TYPE_TRACING;
    link.fd.Reset(bpf_raw_tracepoint_open(by_btf ? nullptr : tracepoint, program->fd.get()));
    Finish(std::move(link), "bpf_probe_register");
  }

  void MakeIterator(const char* name, bpf_iter_link_info* info) {
    const KnownProgram* program = made_.Program(std::string("tracing/iter/") + name);
    if (program == nullptr) return;
    auto options = EmptyOptions<bpf_link_create_opts>();
    options.iter_info = info;
    options.iter_info_len = info == nullptr ? 0 : sizeof(*info);
    KnownLink link;
    link.label = std::string("iter/") + name;
    link.made.type = BPF_LINK_TYPE_ITER;
    link.made.program_id = program->made.id;
    link.made.target = name;
    link.fd.Reset(bpf_link_create(program->fd.get(), 0, BPF_TRACE_ITER, &options));
    Finish(std::move(link), "bpf_iter_link_attach");
  }

  void MakeNetfilter() {
    const KnownProgram* program = made_.Program("netfilter");
    if (program == nullptr) return;
    auto options = EmptyOptions<bpf_link_create_opts>();
    options.netfilter.pf = NFPROTO_IPV4;
    options.netfilter.hooknum = NF_INET_LOCAL_IN;
    options.netfilter.priority = -128;
    KnownLink link;
    link.label = "netfilter";
    link.made.type = BPF_LINK_TYPE_NETFILTER;
    link.made.program_id = program->made.id;
    link.made.target = "ipv4:input:-128";
    link.made.netns = netns_.inode();
    link.fd.Reset(bpf_link_create(program->fd.get(), 0, BPF_NETFILTER, &options));
    Finish(std::move(link), "bpf_nf_link_attach");
  }

  void MakeReplacement(const char* program_label, const char* function) {
    const KnownProgram* program = made_.Program(program_label);
    if (program == nullptr) return;
    KnownLink link;
    link.label = "tracing/ext";
    link.made.type = BPF_LINK_TYPE_TRACING;
    link.made.program_id = program->made.id;
    link.made.target = function;
    link.lacks_attach_type = true;
    link.fd.Reset(bpf_raw_tracepoint_open(nullptr, program->fd.get()));
    Finish(std::move(link), "bpf_trampoline_link_prog");
  }

 private:
  int PlaceFd(Place place) const {
    switch (place) {
      case Place::kCgroup:
        return cgroup_.fd();
      case Place::kNetns:
        return netns_.fd();
      case Place::kInterface:
        return static_cast<int>(netns_.ifindex());
      case Place::kSockmap:
        return made_.Map("sockmap")->fd.get();
      case Place::kNowhere:
        break;
    }
    return 0;
  }

  LinkInfo FactsOf(const Spec& spec, const KnownProgram& program) const {
    LinkInfo known;
    known.type = spec.type;
    known.program_id = program.made.id;
    if (spec.type != BPF_LINK_TYPE_XDP) known.attach_type = spec.attach;
    if (spec.target != nullptr) known.target = spec.target;
    if (spec.place == Place::kCgroup) known.target = cgroup_.path();
    if (spec.place == Place::kInterface) known.target = OwnNetns::kInterface;
    if (spec.place == Place::kNetns) known.target = "net:[" + std::to_string(netns_.inode()) + "]";
    if (spec.place == Place::kSockmap) known.target = "sockmap";
    if (spec.place == Place::kInterface || spec.place == Place::kNetns) {
      known.netns = netns_.inode();
    }
    return known;
  }

  void Finish(KnownLink link, const char* needs) {
    if (link.fd) {
      Keep(made_, std::move(link));
    } else {
      made_.Refuse("link " + link.label, errno, !KernelHasFunction(needs));
    }
  }

  Made& made_;
  const OwnCgroup& cgroup_;
  const OwnNetns& netns_;
};

void MakeIterators(Maker& maker, const Made& made, const OwnCgroup& cgroup) {
  maker.MakeIterator("task", nullptr);
  bpf_iter_link_info over_map{};
  over_map.map.map_fd = static_cast<uint32_t>(made.Map("hash")->fd.get());
  maker.MakeIterator("bpf_map_elem", &over_map);
  bpf_iter_link_info over_cgroup{};
  over_cgroup.cgroup.cgroup_fd = static_cast<uint32_t>(cgroup.fd());
  over_cgroup.cgroup.order = BPF_CGROUP_ITER_SELF_ONLY;
  maker.MakeIterator("cgroup", &over_cgroup);
}

}  // namespace

void MakeLinks(Made& made, const OwnCgroup& cgroup, const OwnNetns& netns) {
  Maker maker(made, cgroup, netns);
  // Interface indexes and netfilter hooks belong to the namespace of the thread that attaches.
  netns.Run([&] {
    for (const Spec& spec : kSpecs) maker.Make(spec);
    maker.MakeNetfilter();
  });
  maker.MakeRawTracepoint("raw_tracepoint", "task_rename");
  maker.MakeRawTracepoint("raw_tracepoint_writable", "bpf_test_finish");
  maker.MakeRawTracepoint("tracing/tp_btf", "task_newtask");
  maker.MakeReplacement("bpftally_replacement", "bpftally_replaceable");
  MakeIterators(maker, made, cgroup);
}

}  // namespace bpftally
