#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "host/aging_cache.h"
#include "host/cached_table.h"
#include "host/cgroup_names.h"
#include "host/files.h"

namespace bpftally {

class BpfSys;

// Names the files and calls from which facts about the host are read.
struct HostSources {
  std::string proc = "/proc";
  std::vector<std::string> pci_ids = {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"};
  std::string cgroup_root = "/sys/fs/cgroup";
  // Default: the tree of cgroups is walked, and interfaces have no names.
  CgroupNames::Resolver cgroup_path = [](uint64_t) -> Result<std::string> {
    return std::unexpected(Error{ErrorKind::kUnsupported, 0, "cgroups cannot be asked for by id"});
  };
  std::function<std::optional<std::string>(uint32_t index)> interface_name = [](uint32_t) {
    return std::optional<std::string>();
  };
};

// Returns the sources of this machine. `sys` must outlive everything made from them.
HostSources HostSourcesOf(BpfSys& sys);

// Resolves numeric ids (interface, device, symbol, cgroup, PCI) to names; tables load on first use
// and are dropped when idle. Views live until the next call. For use by one thread.
class HostTables {
 public:
  static constexpr size_t kInterfaces = 8192;
  static constexpr std::chrono::seconds kInterfaceFor{10};  // an interface can be renamed
  static constexpr std::chrono::minutes kIdle{10};          // idle tables are dropped after it
  static constexpr CachedTable::Ages kSymbolAges{std::chrono::seconds(30), std::chrono::minutes(10),
                                                 kIdle};
  static constexpr CachedTable::Ages kPartitionAges{std::chrono::seconds(1),
                                                    std::chrono::minutes(1), kIdle};
  static constexpr CachedTable::Ages kPciAges{std::chrono::minutes(10), std::chrono::hours(24),
                                              kIdle};

  // Opens /proc/kallsyms: the privileges of this moment decide what it may show.
  HostTables(HostSources sources, const Clock& clock);
  HostTables(const HostTables&) = delete;
  HostTables& operator=(const HostTables&) = delete;
  ~HostTables() = default;

  std::optional<std::string_view> InterfaceName(uint32_t index);
  std::optional<std::string_view> PartitionName(uint32_t major, uint32_t minor);
  std::optional<std::string_view> SymbolAt(uint64_t address);
  std::optional<std::string_view> SymbolAround(uint64_t address);  // the nearest at or below
  std::optional<std::string_view> CgroupPath(uint64_t id);
  std::optional<std::string_view> PciName(PciKind kind, uint32_t id);
  bool HasPciIds();

  // Drops idle tables. Called from time to time, even when nothing is decoded.
  void Trim();

  // Returns the number of names in memory.
  size_t size() const;

 private:
  struct Interface {
    std::optional<std::string> name;
    std::optional<CgroupNames::TimePoint> asked;
  };

  HostSources sources_;
  const Clock& clock_;
  UniqueFd kernel_symbols_;
  CachedTable symbols_;
  CachedTable partitions_;
  CachedTable pci_;
  CgroupNames cgroups_;
  AgingCache<uint32_t, Interface> interfaces_;
};

}  // namespace bpftally
