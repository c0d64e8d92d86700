#include "kernel/iterator_loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "census_links.skel.h"
#include "census_maps.skel.h"
#include "census_programs.skel.h"
#include "kernel/advice.h"
#include "kernel/libbpf_messages.h"

namespace bpftally {
namespace {

Error LoadError(int sys_errno) {
  const std::string what = "cannot load the iterator program";
  if (sys_errno == EPERM) {
    return ErrnoError(sys_errno, fmt::format("{} ({})", what,
                                             CapabilityAdvice("CAP_BPF and CAP_PERFMON",
                                                              "give both to the service")));
  }
  if (::access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
    return {ErrorKind::kUnsupported, sys_errno,
            what +
                ": /sys/kernel/btf/vmlinux is not readable: the kernel was built without "
                "CONFIG_DEBUG_INFO_BTF, or /sys "
                "is not mounted here"};
  }
  // EACCES and EINVAL are the verifier's answers.
  return {
      ErrorKind::kUnsupported, sys_errno,
      ErrnoError(sys_errno, what + " (this kernel refuses it; --log.level=debug has its reasons)")
          .message};
}

template <typename Skeleton>
using SkeletonPtr = std::unique_ptr<Skeleton, void (*)(Skeleton*)>;

// The link alone keeps the program, and the program its maps: nothing else of libbpf's stays in
// memory.
Result<UniqueFd> Attach(const bpf_program* program) {
  bpf_link* link = bpf_program__attach_iter(program, nullptr);
  if (link == nullptr) return std::unexpected(LoadError(errno));
  UniqueFd fd(::fcntl(bpf_link__fd(link), F_DUPFD_CLOEXEC, 0));
  const int dup_errno = errno;
  bpf_link__destroy(link);
  if (!fd) return std::unexpected(ErrnoError(dup_errno, "cannot keep the iterator's link"));
  return fd;
}

Result<UniqueFd> LoadPrograms(bool may_probe_read) {
  const SkeletonPtr<census_programs> skeleton(census_programs__open(), census_programs__destroy);
  if (!skeleton) return std::unexpected(LoadError(errno));
  skeleton->rodata->may_probe_read = may_probe_read;
  const int cpus = libbpf_num_possible_cpus();
  skeleton->rodata->read_run_stats =
      cpus > 0 && cpus <= static_cast<int>(std::size(skeleton->bss->percpu_element));
  skeleton->rodata->possible_cpus = cpus > 0 ? static_cast<uint32_t>(cpus) : 0;
  if (const int error = census_programs__load(skeleton.get()))
    return std::unexpected(LoadError(-error));
  return Attach(skeleton->progs.census_programs);
}

// A kernel without bpf_loop (before 5.17) has no use for the callback, and before 5.13 it refuses
// the program for it.
const bpf_program* ChooseProgram(const census_maps& skeleton) {
  const bool has_loop =
      libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_loop, nullptr) != 0;
  bpf_program__set_autoload(skeleton.progs.census_maps, has_loop);
  bpf_program__set_autoload(skeleton.progs.census_maps_without_loop, !has_loop);
  return has_loop ? skeleton.progs.census_maps : skeleton.progs.census_maps_without_loop;
}

Result<UniqueFd> LoadMaps(bool may_probe_read) {
  const SkeletonPtr<census_maps> skeleton(census_maps__open(), census_maps__destroy);
  if (!skeleton) return std::unexpected(LoadError(errno));
  skeleton->rodata->may_probe_read = may_probe_read;
  const bpf_program* const program = ChooseProgram(*skeleton);
  if (const int error = census_maps__load(skeleton.get()))
    return std::unexpected(LoadError(-error));
  return Attach(program);
}

Result<UniqueFd> LoadLinks(bool may_probe_read) {
  const SkeletonPtr<census_links> skeleton(census_links__open(), census_links__destroy);
  if (!skeleton) return std::unexpected(LoadError(errno));
  skeleton->rodata->may_probe_read = may_probe_read;
  if (const int error = census_links__load(skeleton.get()))
    return std::unexpected(LoadError(-error));
  return Attach(skeleton->progs.census_links);
}

}  // namespace

Result<UniqueFd> LoadIteratorProgram(ObjectKind kind, bool may_probe_read) {
  SendLibbpfMessagesToLog();
  switch (kind) {
    case ObjectKind::kProgram:
      return LoadPrograms(may_probe_read);
    case ObjectKind::kMap:
      return LoadMaps(may_probe_read);
    case ObjectKind::kLink:
      return LoadLinks(may_probe_read);
    case ObjectKind::kBtf:
      break;
  }
  return std::unexpected(
      Error{ErrorKind::kUnsupported, 0, "the kernel has no iterator over BTF objects"});
}

}  // namespace bpftally
