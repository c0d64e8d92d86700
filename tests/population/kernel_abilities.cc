#include "population/kernel_abilities.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string_view>
#include <utility>

namespace bpftally {

bool KernelHasFunction(const std::string& name) {
  static const std::unique_ptr<btf, decltype(&btf__free)> kernel(btf__load_vmlinux_btf(),
                                                                 &btf__free);
  return kernel && btf__find_by_name_kind(kernel.get(), name.c_str(), BTF_KIND_FUNC) > 0;
}

bool KernelIsAtLeast(int major, int minor) {
  utsname name{};
  std::pair<int, int> running;
  return ::uname(&name) == 0 &&
         std::sscanf(name.release, "%d.%d", &running.first, &running.second) == 2 &&
         running >= std::pair(major, minor);
}

bool KernelIsConfidential() {
  std::ifstream file("/sys/kernel/security/lockdown");
  std::string modes;
  return std::getline(file, modes) && modes.contains("[confidentiality]");
}

bool IteratorsReadAll() { return KernelIsAtLeast(6, 2) || !KernelIsConfidential(); }

bool KernelHasProgramType(bpf_prog_type type) {
  return libbpf_probe_bpf_prog_type(type, nullptr) == 1;
}

bool KernelHasMapType(bpf_map_type type) { return libbpf_probe_bpf_map_type(type, nullptr) == 1; }

bool EnsureMounted(const char* type, const char* path) {
  struct statfs now{};
  const long wanted = std::string_view(type) == "bpf" ? BPF_FS_MAGIC : TRACEFS_MAGIC;
  if (::statfs(path, &now) == 0 && now.f_type == wanted) return true;
  return ::mount(type, path, type, 0, nullptr) == 0;
}

}  // namespace bpftally
