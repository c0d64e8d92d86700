#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/clock.h"
#include "host/tables.h"

namespace bpftally {

class StoppedClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point Now() const override { return now_; }
  int64_t WallNanoseconds() const override { return 0; }
  int64_t BootNanoseconds() const override { return 0; }
  void Advance(std::chrono::nanoseconds span) { now_ += span; }

 private:
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
};

// Builds a host from files in a folder of its own, and two small maps.
class HostFixture : public testing::Test {
 protected:
  HostFixture() {
    std::string name = (std::filesystem::temp_directory_path() / "bpftally-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    root = name;
    Write("kallsyms", kSymbols);
    Write("partitions", kPartitions);
    Write("pci.ids", kPciIds);
  }
  ~HostFixture() override { std::filesystem::remove_all(root); }

  void Write(const std::string& file, std::string_view text) const {
    std::ofstream(root / file) << text;
  }

  HostSources Sources() {
    return {.proc = root.string(),
            .pci_ids = {(root / "absent").string(), (root / "pci.ids").string()},
            .cgroup_root = (root / "cgroup").string(),
            .cgroup_path = [this](uint64_t id) -> Result<std::string> {
              ++cgroup_asked;
              if (cgroup_error) return std::unexpected(*cgroup_error);
              const auto found = cgroups.find(id);
              if (found != cgroups.end()) return found->second;
              return std::unexpected(Error{ErrorKind::kVanished, 0, "gone"});
            },
            .interface_name = [this](uint32_t index) -> std::optional<std::string> {
              ++interface_asked;
              const auto found = interfaces.find(index);
              if (found == interfaces.end()) return std::nullopt;
              return found->second;
            }};
  }

  static constexpr std::string_view kSymbols =
      "ffffffff81000000 T _start_of_all\n"
      "ffffffff81000100 T alpha_read\n"
      "ffffffff81000200 t beta_write\n"
      "ffffffff81000340 t gamma.isra.0\n"
      "ffffffff81000400 W delta_weak\n"
      "ffffffffc0200000 t bpf_prog_0123456789abcdef_idle\t[bpf]\n"
      "ffffffffc0100000 t mod_enter\t[mymod]\n"
      "ffffffffc0100040 t mod_leave\t[mymod]\n";
  static constexpr std::string_view kPartitions =
      "major minor  #blocks  name\n\n"
      "   8        0  500107608 sda\n"
      "   8        1     524288 sda1\n"
      " 259        0  976762584 nvme0n1\n"
      " 259      300    4194304 nvme0n1p300\n";
  static constexpr std::string_view kPciIds =
      "# a comment\n\n"
      "0e11  Low Vendor Works\n\t0001  Low Device\n"
      "1af4  Paravirtual Parts\n\t1000  Paper Network Card\n"
      "\t1041  Paper Network Card, second edition\n\t\t1af4 1100  Board\n"
      "8abc  Example Silicon, Inc.\n\tbeef  Back\\slash Bridge\n"
      "C 00  Unclassified thing\n\t00  Old thing\n"
      "C 02  Network thing\n\t00  Ethernet thing\n\t80  Other network thing\n"
      "C 0c  Serial thing\n\t03  USB thing\n\t\t30  XHCI\n"
      "C ff  Unassigned class\n";

  std::filesystem::path root;
  StoppedClock clock;
  std::map<uint64_t, std::string> cgroups = {{1, "/"}, {42, "/golden.slice/web.service"}};
  std::optional<Error> cgroup_error;
  std::map<uint32_t, std::string> interfaces = {{1, "lo"}};
  int cgroup_asked = 0;
  int interface_asked = 0;
};

}  // namespace bpftally
