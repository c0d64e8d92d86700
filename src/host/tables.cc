#include "host/tables.h"

#include <fcntl.h>
#include <net/if.h>

#include <array>
#include <utility>

#include "host/cgroup_root.h"
#include "kernel/bpf_sys.h"

namespace bpftally {

HostSources HostSourcesOf(BpfSys& sys) {
  HostSources sources;
  if (auto root = FindCgroupRoot("/proc/self/mounts")) sources.cgroup_root = std::move(*root);
  sources.cgroup_path = [&sys](uint64_t id) { return sys.CgroupPath(id); };
  sources.interface_name = [](uint32_t index) -> std::optional<std::string> {
    std::array<char, IF_NAMESIZE> name{};
    if (::if_indextoname(index, name.data()) == nullptr) return std::nullopt;
    return name.data();
  };
  return sources;
}

HostTables::HostTables(HostSources sources, const Clock& clock)
    : sources_(std::move(sources)),
      clock_(clock),
      kernel_symbols_(::open((sources_.proc + "/kallsyms").c_str(), O_RDONLY | O_CLOEXEC)),
      symbols_([this] { return ReadKernelSymbols(kernel_symbols_.get()); }, kSymbolAges),
      partitions_([this] { return ReadPartitions(sources_.proc + "/partitions"); }, kPartitionAges),
      pci_([this] { return ReadPciIds(sources_.pci_ids); }, kPciAges),
      cgroups_(sources_.cgroup_root, sources_.cgroup_path),
      interfaces_(kInterfaces, kIdle) {}

std::optional<std::string_view> HostTables::InterfaceName(uint32_t index) {
  const auto now = clock_.Now();
  Interface& interface = interfaces_.Touch(index, now);
  if (!interface.asked || now - *interface.asked >= kInterfaceFor) {
    interface = {.name = sources_.interface_name(index), .asked = now};
  }
  return interface.name;
}

std::optional<std::string_view> HostTables::PartitionName(uint32_t major, uint32_t minor) {
  return partitions_.Find(PartitionKey(major, minor), clock_.Now());
}

std::optional<std::string_view> HostTables::SymbolAt(uint64_t address) {
  return symbols_.Find(address, clock_.Now());
}

std::optional<std::string_view> HostTables::SymbolAround(uint64_t address) {
  return symbols_.FindAtOrBelow(address, clock_.Now());
}

std::optional<std::string_view> HostTables::CgroupPath(uint64_t id) {
  return cgroups_.Find(id, clock_.Now());
}

std::optional<std::string_view> HostTables::PciName(PciKind kind, uint32_t id) {
  return pci_.Find(PciKey(kind, id), clock_.Now());
}

bool HostTables::HasPciIds() { return pci_.Available(clock_.Now()); }

void HostTables::Trim() {
  const auto now = clock_.Now();
  symbols_.Trim(now);
  partitions_.Trim(now);
  pci_.Trim(now);
  cgroups_.Trim(now);
  interfaces_.Trim(now);
}

size_t HostTables::size() const {
  return symbols_.size() + partitions_.size() + pci_.size() + cgroups_.size() + interfaces_.size();
}

}  // namespace bpftally
