#include "host/tables.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "host/cgroup_root.h"
#include "host/host_fixture.h"
#include "kernel/bpf_sys.h"
#include "kernel/real_bpf_sys.h"

namespace bpftally {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class HostTablesTest : public HostFixture {
 protected:
  static uint64_t Inode(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_ino;
  }
};

TEST_F(HostTablesTest, SymbolsAreFoundExactlyAndAround) {
  HostTables tables(Sources(), clock);
  EXPECT_EQ(tables.SymbolAt(0xffffffff81000100), "alpha_read");
  EXPECT_EQ(tables.SymbolAt(0xffffffff81000101), std::nullopt);
  EXPECT_EQ(tables.SymbolAround(0xffffffff810001ff), "alpha_read");
  EXPECT_EQ(tables.SymbolAround(0xffffffffffffffff), "bpf_prog_0123456789abcdef_idle\t[bpf]");
  EXPECT_EQ(tables.SymbolAround(0xffffffff80ffffff), std::nullopt);
}

TEST_F(HostTablesTest, AMissReadsTheSymbolsAgainButNotOften) {
  HostTables tables(Sources(), clock);
  EXPECT_EQ(tables.SymbolAt(0x1000), std::nullopt);
  Write("kallsyms", "0000000000001000 t newcomer\t[late]\n");
  clock.Advance(HostTables::kSymbolAges.retry - seconds(1));
  EXPECT_EQ(tables.SymbolAt(0x1000), std::nullopt);
  clock.Advance(seconds(1));
  EXPECT_EQ(tables.SymbolAt(0x1000), "newcomer\t[late]");
  EXPECT_EQ(tables.SymbolAt(0xffffffff81000100), std::nullopt) << "it was unloaded";
}

TEST_F(HostTablesTest, HiddenAddressesLeaveTheTableThatThereIs) {
  HostTables tables(Sources(), clock);
  EXPECT_EQ(tables.SymbolAt(0xffffffff81000100), "alpha_read");
  Write("kallsyms", "0000000000000000 T alpha_read\n");
  clock.Advance(HostTables::kSymbolAges.refresh);
  EXPECT_EQ(tables.SymbolAt(0xffffffff81000100), "alpha_read");
  EXPECT_EQ(tables.SymbolAt(0), std::nullopt);
}

TEST_F(HostTablesTest, SymbolsAreCurrentAfterTheRefresh) {
  HostTables tables(Sources(), clock);
  EXPECT_EQ(tables.SymbolAround(0xffffffffc0100041), "mod_leave\t[mymod]");
  Write("kallsyms", "ffffffffc0100000 t other\t[next]\n");
  clock.Advance(HostTables::kSymbolAges.refresh);
  EXPECT_EQ(tables.SymbolAround(0xffffffffc0100041), "other\t[next]");
}

TEST_F(HostTablesTest, LinesAreWholeWhereverTheReadEnds) {
  std::string text;
  for (uint64_t i = 1; i <= 20'000; ++i) text += fmt::format("{:016x} t symbol_{}\n", i * 16, i);
  text += "not a line\nzz t word\n" + std::string(200'000, 'x');
  Write("kallsyms", text);
  HostTables tables(Sources(), clock);
  for (uint64_t i = 1; i <= 20'000; ++i) {
    ASSERT_EQ(tables.SymbolAt(i * 16), fmt::format("symbol_{}", i));
  }
  EXPECT_EQ(tables.size(), 20'000U);
}

TEST_F(HostTablesTest, ListsThatNobodyAsksForAreLetGoAndComeBack) {
  HostTables tables(Sources(), clock);
  EXPECT_EQ(tables.size(), 0U) << "read on demand";
  EXPECT_EQ(tables.SymbolAt(0xffffffff81000100), "alpha_read");
  EXPECT_EQ(tables.PartitionName(8, 1), "sda1");
  EXPECT_EQ(tables.PciName(PciKind::kVendor, 0x1af4), "Paravirtual Parts");
  EXPECT_EQ(tables.InterfaceName(1), "lo");
  EXPECT_EQ(tables.CgroupPath(1), root / "cgroup");
  EXPECT_GT(tables.size(), 20U);
  clock.Advance(HostTables::kIdle);
  tables.Trim();
  clock.Advance(HostTables::kIdle);
  tables.Trim();
  EXPECT_EQ(tables.size(), 0U);
  EXPECT_EQ(tables.SymbolAt(0xffffffff81000100), "alpha_read");
}

TEST_F(HostTablesTest, ANewPartitionAppears) {
  HostTables tables(Sources(), clock);
  EXPECT_EQ(tables.PartitionName(259, 300), "nvme0n1p300");
  EXPECT_EQ(tables.PartitionName(8, 32), std::nullopt);
  Write("partitions", "   8       32  1 sdc\n");
  EXPECT_EQ(tables.PartitionName(8, 32), std::nullopt) << "read a moment ago";
  clock.Advance(HostTables::kPartitionAges.retry);
  EXPECT_EQ(tables.PartitionName(8, 32), "sdc");
  std::filesystem::remove(root / "partitions");
  clock.Advance(hours(1));
  EXPECT_EQ(tables.PartitionName(8, 32), "sdc") << "better than nothing";
}

TEST_F(HostTablesTest, PciNamesAreKeptApartByKind) {
  HostTables tables(Sources(), clock);
  EXPECT_TRUE(tables.HasPciIds());
  EXPECT_EQ(tables.PciName(PciKind::kDevice, 0x1af41041), "Paper Network Card, second edition");
  EXPECT_EQ(tables.PciName(PciKind::kDevice, 0x1af41100), std::nullopt) << "a subsystem";
  EXPECT_EQ(tables.PciName(PciKind::kClass, 0x0c), "Serial thing");
  EXPECT_EQ(tables.PciName(PciKind::kSubclass, 0x0c03), "USB thing");
  EXPECT_EQ(tables.PciName(PciKind::kSubclass, 0x0c30), std::nullopt) << "an interface";
  EXPECT_EQ(tables.PciName(PciKind::kVendor, 0x0c), std::nullopt);
}

TEST_F(HostTablesTest, OddPciLinesAreLeftOut) {
  Write("pci.ids", "\n\t\n\t00\nC\nC \nC 0\n12\n1234\n1234 \n1234  \nwxyz  No\n\t0001  Orphan\n");
  HostTables tables(Sources(), clock);
  EXPECT_TRUE(tables.HasPciIds());
  EXPECT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables.PciName(PciKind::kVendor, 0x1234), "");
}

TEST_F(HostTablesTest, PciIdsMayComeLater) {
  std::filesystem::rename(root / "pci.ids", root / "elsewhere");
  HostTables tables(Sources(), clock);
  EXPECT_FALSE(tables.HasPciIds());
  std::filesystem::rename(root / "elsewhere", root / "pci.ids");
  EXPECT_FALSE(tables.HasPciIds());
  clock.Advance(HostTables::kPciAges.retry);
  EXPECT_TRUE(tables.HasPciIds());
}

TEST_F(HostTablesTest, ARenamedInterfaceShowsItsNewName) {
  HostTables tables(Sources(), clock);
  EXPECT_EQ(tables.InterfaceName(1), "lo");
  EXPECT_EQ(tables.InterfaceName(7), std::nullopt);
  interfaces = {{1, "loop"}, {7, "eth0"}};
  EXPECT_EQ(tables.InterfaceName(1), "lo");
  EXPECT_EQ(interface_asked, 2);
  clock.Advance(HostTables::kInterfaceFor);
  EXPECT_EQ(tables.InterfaceName(1), "loop");
  EXPECT_EQ(tables.InterfaceName(7), "eth0");
}

TEST_F(HostTablesTest, ACgroupThatIsGoneKeepsItsNameForAWhile) {
  HostTables tables(Sources(), clock);
  const std::string path = root / "cgroup/golden.slice/web.service";
  EXPECT_EQ(tables.CgroupPath(42), path);
  cgroups.erase(42);
  for (auto gone = seconds(0); gone < CgroupNames::kLife - CgroupNames::kKnownFor;
       gone += CgroupNames::kKnownFor) {
    clock.Advance(CgroupNames::kKnownFor);
    EXPECT_EQ(tables.CgroupPath(42), path);
  }
  clock.Advance(CgroupNames::kKnownFor);
  EXPECT_EQ(tables.CgroupPath(42), std::nullopt);
}

TEST_F(HostTablesTest, ALivingCgroupIsNotAskedForAtEachLook) {
  HostTables tables(Sources(), clock);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(tables.CgroupPath(1), root / "cgroup");
  EXPECT_EQ(cgroup_asked, 1);
  for (int i = 0; i < 60; ++i) {
    clock.Advance(minutes(1));
    EXPECT_EQ(tables.CgroupPath(1), root / "cgroup");
  }
  EXPECT_EQ(cgroup_asked, 61);
}

TEST_F(HostTablesTest, AnUnknownCgroupIsAskedForAgainSoon) {
  HostTables tables(Sources(), clock);
  EXPECT_EQ(tables.CgroupPath(7), std::nullopt);
  EXPECT_EQ(tables.CgroupPath(7), std::nullopt);
  EXPECT_EQ(cgroup_asked, 1);
  cgroups[7] = "/late";
  clock.Advance(CgroupNames::kUnknownFor);
  EXPECT_EQ(tables.CgroupPath(7), root / "cgroup/late");
}

TEST_F(HostTablesTest, WithoutPrivilegeTheTreeIsWalked) {
  cgroup_error = Error{ErrorKind::kPermission, EPERM, "no"};
  const std::string leaf = root / "cgroup/a.slice/b.scope";
  std::filesystem::create_directories(leaf);
  HostTables tables(Sources(), clock);
  EXPECT_EQ(tables.CgroupPath(Inode(leaf)), leaf);
  EXPECT_EQ(tables.CgroupPath(Inode(root / "cgroup")), root / "cgroup");

  const std::string late = root / "cgroup/c.scope";
  std::filesystem::create_directories(late);
  EXPECT_EQ(tables.CgroupPath(Inode(late)), std::nullopt) << "walked a moment ago";
  clock.Advance(CgroupNames::kUnknownFor);
  EXPECT_EQ(tables.CgroupPath(Inode(late)), late);
}

TEST_F(HostTablesTest, ACgroupThatVanishesDuringTheWalkHidesNoOther) {
  cgroup_error = Error{ErrorKind::kPermission, EPERM, "no"};
  const std::string tree = root / "cgroup";
  std::vector<std::string> stay;
  for (int i = 0; i < 50; ++i) {
    stay.push_back(fmt::format("{}/stays{}", tree, i));
    std::filesystem::create_directories(stay.back());
  }
  std::jthread churn([&](const std::stop_token& end) {
    for (int i = 0; !end.stop_requested(); ++i) {
      const std::string path = fmt::format("{}/goes{}", tree, i % 100);
      if (::mkdir(path.c_str(), 0755) != 0) ::rmdir(path.c_str());
    }
  });
  for (int walk = 0; walk < 200 && !HasFailure(); ++walk) {
    HostTables tables(Sources(), clock);
    for (const std::string& path : stay) EXPECT_EQ(tables.CgroupPath(Inode(path)), path);
  }
}

TEST_F(HostTablesTest, CachesOfSingleNamesAreBounded) {
  HostTables tables(Sources(), clock);
  for (uint32_t i = 0; i < 3 * HostTables::kInterfaces; ++i) tables.InterfaceName(i);
  EXPECT_LE(tables.size(), HostTables::kInterfaces);
  for (uint64_t id = 0; id < 3 * CgroupNames::kCapacity; ++id) tables.CgroupPath(id);
  EXPECT_LE(tables.size(), HostTables::kInterfaces + CgroupNames::kCapacity);
}

TEST_F(HostTablesTest, MissingFilesGiveNoNames) {
  HostSources sources = Sources();
  sources.proc = root / "nowhere";
  HostTables tables(std::move(sources), clock);
  EXPECT_EQ(tables.SymbolAt(0xffffffff81000100), std::nullopt);
  EXPECT_EQ(tables.PartitionName(8, 0), std::nullopt);
}

TEST_F(HostTablesTest, AHostThatCannotBeAskedStillHasItsTreeOfCgroups) {
  const std::string leaf = root / "cgroup/a.slice";
  std::filesystem::create_directories(leaf);
  HostTables tables({.cgroup_root = (root / "cgroup").string()}, clock);
  EXPECT_EQ(tables.CgroupPath(Inode(leaf)), leaf);
  EXPECT_EQ(tables.InterfaceName(1), std::nullopt);
}

TEST_F(HostTablesTest, ThisMachineHasALoopback) {
  const auto sys = MakeRealBpfSys();
  HostTables tables(HostSourcesOf(*sys), clock);
  EXPECT_EQ(tables.InterfaceName(1), "lo");
  EXPECT_EQ(tables.InterfaceName(0), std::nullopt);
  EXPECT_EQ(tables.CgroupPath(0), std::nullopt);
}

TEST_F(HostTablesTest, ThisMachinesCgroupsHaveTheirPaths) {
  const auto mounted = FindCgroupRoot("/proc/self/mounts");
  if (!mounted) GTEST_SKIP() << mounted.error().message;
  std::string path = *mounted;  // its first child, if it has one
  for (const auto& child : std::filesystem::directory_iterator(path)) {
    if (child.is_directory()) {
      path = child.path();
      break;
    }
  }
  const auto sys = MakeRealBpfSys();
  HostTables tables(HostSourcesOf(*sys), clock);
  EXPECT_EQ(tables.CgroupPath(Inode(path)), path);
  EXPECT_EQ(tables.CgroupPath(Inode(*mounted)), *mounted);
}

}  // namespace
}  // namespace bpftally
