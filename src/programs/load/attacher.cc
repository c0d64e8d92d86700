#include "programs/load/attacher.h"

#include <fmt/format.h>

#include <cerrno>

#include "host/attach_points.h"
#include "host/cgroup_root.h"
#include "host/cpus.h"
#include "kernel/libbpf_messages.h"
#include "programs/load/load_error.h"
#include "programs/load/section.h"

namespace bpftally {
namespace {

Attachment Failed(Error error) {
  Attachment failed;
  failed.error = std::move(error);
  return failed;
}

// Attaches a program by `attach`, which returns a link, or nullptr and errno.
template <typename Attach>
Attachment AttachOnce(const bpf_program* program, Attach attach) {
  const LibbpfWarnings warnings;
  Attachment attachment;
  BpfLinkPtr link(attach());
  if (link)
    attachment.links.push_back(std::move(link));
  else
    attachment.error = AttachError(program, errno, warnings.Last());
  return attachment;
}

BpfLinkPtr AttachOnCpu(const bpf_program* program, const PerfEventSection& section, int cpu) {
  UniqueFd event = OpenPerfEvent(section, cpu);
  if (!event) return nullptr;
  BpfLinkPtr link(bpf_program__attach_perf_event(program, event.get()));
  if (link) event.Release();  // the link owns it now
  return link;
}

Attachment AttachToPerfEvents(const bpf_program* program, const PerfEventSection& section) {
  auto cpus = OnlineCpus();
  if (!cpus) return Failed(cpus.error());
  Attachment attachment;
  std::vector<int> failed;
  for (const int cpu : *cpus) {
    const LibbpfWarnings warnings;
    BpfLinkPtr link = AttachOnCpu(program, section, cpu);
    if (link) {
      attachment.links.push_back(std::move(link));
    } else {
      attachment.error = AttachError(program, errno, warnings.Last());
      failed.push_back(cpu);
    }
  }
  if (!failed.empty()) {
    attachment.error = Wrap(std::move(*attachment.error),
                            fmt::format("CPU{} {}", failed.size() > 1 ? "s" : "", CpuList(failed)));
  }
  return attachment;
}

Attachment AttachToInterface(const bpf_program* program, const InterfaceSection& section) {
  const auto index = static_cast<int>(InterfaceIndex(section.interface));
  if (index == 0) {
    return Failed(AttachError(program, ENODEV,
                              fmt::format("there is no interface {} here", section.interface)));
  }
  return AttachOnce(program, [&] {
    return section.hook == InterfaceSection::Hook::kXdp
               ? bpf_program__attach_xdp(program, index)
               : bpf_program__attach_tcx(program, index, nullptr);
  });
}

Attachment AttachToNetworkNamespace(const bpf_program* program) {
  const auto here = OpenNetworkNamespace();
  if (!here) return Failed(here.error());
  return AttachOnce(program, [&] { return bpf_program__attach_netns(program, here->get()); });
}

bool IsForCgroup(const bpf_program* program) {
  switch (bpf_program__type(program)) {
    case BPF_PROG_TYPE_CGROUP_DEVICE:
    case BPF_PROG_TYPE_CGROUP_SKB:
    case BPF_PROG_TYPE_CGROUP_SOCK:
    case BPF_PROG_TYPE_CGROUP_SOCKOPT:
    case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
    case BPF_PROG_TYPE_CGROUP_SYSCTL:
    case BPF_PROG_TYPE_SOCK_OPS:
      return true;
    case BPF_PROG_TYPE_LSM:
      return bpf_program__expected_attach_type(program) == BPF_LSM_CGROUP;
    default:
      return false;
  }
}

bool IsForNetworkNamespace(const bpf_program* program) {
  const bpf_prog_type type = bpf_program__type(program);
  return type == BPF_PROG_TYPE_FLOW_DISSECTOR || type == BPF_PROG_TYPE_SK_LOOKUP;
}

}  // namespace

Attachment Attacher::Attach(const bpf_program* program) const {
  auto section = ParseSection(bpf_program__section_name(program));
  if (!section) return Failed(section.error());
  if (const auto* event = std::get_if<PerfEventSection>(&*section))
    return AttachToPerfEvents(program, *event);
  if (const auto* interface = std::get_if<InterfaceSection>(&*section))
    return AttachToInterface(program, *interface);
  if (IsForCgroup(program)) return AttachToCgroup(program);
  if (IsForNetworkNamespace(program)) return AttachToNetworkNamespace(program);
  return AttachOnce(program, [&] { return bpf_program__attach(program); });
}

Attachment Attacher::Attach(const bpf_map* struct_ops) const {
  const LibbpfWarnings warnings;
  Attachment attachment;
  BpfLinkPtr link(bpf_map__attach_struct_ops(struct_ops));
  if (link) {
    attachment.links.push_back(std::move(link));
  } else {
    attachment.error =
        ErrnoError(errno, fmt::format("cannot register struct_ops {}", bpf_map__name(struct_ops)));
  }
  return attachment;
}

Attachment Attacher::AttachToCgroup(const bpf_program* program) const {
  auto root = cgroup_root_.empty() ? FindCgroupRoot("/proc/self/mounts") : cgroup_root_;
  if (!root) return Failed(root.error());
  const auto directory = OpenDirectory(*root);
  if (!directory) return Failed(directory.error());
  return AttachOnce(program, [&] { return bpf_program__attach_cgroup(program, directory->get()); });
}

}  // namespace bpftally
