#include "programs/load/loaded_object.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "host/cpus.h"
#include "kernel/map_handle.h"
#include "population/kernel_abilities.h"
#include "programs/load/loader_fixture.h"
#include "programs/load/post_attach_mark.h"
#include "programs/load/usdt_probe.h"
#include "programs/load_places.h"
#include "programs/plan/plan.h"

extern "C" [[gnu::noinline]] void ProbedByTheTest() { asm volatile("" ::: "memory"); }

namespace bpftally {
namespace {

using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Keeps the processor busy until `done`, so that counters of processor time count.
template <typename Done>
bool SpinUntil(Done done) {
  const auto give_up = steady_clock::now() + std::chrono::seconds(20);
  while (steady_clock::now() < give_up) {
    if (done()) return true;
  }
  return false;
}

// Returns whether lockdown=confidentiality takes away what the program needs: tracefs, or the
// memory of a USDT argument.
bool IsLockedAway(std::string_view program) {
  return KernelIsConfidential() && (program == "at_tracepoint" || program == "at_usdt");
}

class LoadedProgramTest : public LoaderTest {
 protected:
  void SetUp() override {
    LoaderTest::SetUp();
    EnsureMounted("tracefs", "/sys/kernel/tracing");
  }

  // Loads load_places, which then counts this process only.
  std::unique_ptr<LoadedProgram> LoadPlaces(const LoadOptions& options = {}) {
    auto program = Load("load_places", options);
    if (program) SetAt(*program, "wanted_process", 0, static_cast<uint32_t>(::getpid()));
    return program;
  }

  static uint64_t RunsAt(const LoadedProgram& program, uint32_t place) {
    return ValueAt(program, "runs_at_each_place", place);
  }
};

TEST_F(LoadedProgramTest, EveryProgramIsAttachedAndTellsWhatItIs) {
  const auto program = LoadPlaces();
  ASSERT_TRUE(program);
  ASSERT_EQ(program->statuses().size(), 10u) << "and none for SEC(\"?...\")";
  std::set<uint32_t> ids;
  for (const AttachStatus& status : program->statuses()) {
    if (IsLockedAway(status.program)) {
      EXPECT_THAT(ErrorOf(status),
                  AnyOf(HasSubstr("lockdown=confidentiality"), HasSubstr("bpf_probe_read")));
      continue;
    }
    EXPECT_TRUE(status.attached) << status.program << ": " << ErrorOf(status);
    EXPECT_EQ(ErrorOf(status), "") << status.program;
    EXPECT_EQ(status.tag.size(), 16u);
    ids.insert(status.id);
  }
  EXPECT_EQ(ids.size(), KernelIsConfidential() ? 8u : 10u);
  EXPECT_FALSE(ids.contains(0));
  EXPECT_EQ(StatusOf(*program, "at_frequency").section, "perf_event/type=1,config=0,frequency=500");
}

TEST_F(LoadedProgramTest, MapsHaveTheirWholeNamesAndShapes) {
  const auto program = LoadPlaces();
  ASSERT_TRUE(program);
  const MapHandle* map = program->FindMap("runs_at_each_place");
  ASSERT_NE(map, nullptr);
  EXPECT_EQ(map->type, uint32_t{BPF_MAP_TYPE_ARRAY});
  EXPECT_EQ(map->key_size, 4u);
  EXPECT_EQ(map->value_size, 8u);
  EXPECT_EQ(map->max_entries, uint32_t{PLACES});
  EXPECT_NE(map->id, 0u);
  EXPECT_EQ(program->FindMap("no_such_map"), nullptr);
  for (const MapHandle& each : program->maps()) EXPECT_THAT(each.name, Not(HasSubstr(".rodata")));
}

TEST_F(LoadedProgramTest, SystemCallsAreSeenExactlyOncePerWay) {
  const auto program = LoadPlaces();
  ASSERT_TRUE(program);
  for (int i = 0; i < 100; ++i) ::getppid();
  EXPECT_EQ(RunsAt(*program, AT_TRACEPOINT), IsLockedAway("at_tracepoint") ? 0u : 100u);
  EXPECT_EQ(RunsAt(*program, AT_RAW_TRACEPOINT), 100u);
  EXPECT_EQ(RunsAt(*program, AT_TYPED_TRACEPOINT), 100u);
}

TEST_F(LoadedProgramTest, UserFunctionsAndStaticProbesAreSeen) {
  const auto program = LoadPlaces();
  ASSERT_TRUE(program);
  for (int i = 0; i < 7; ++i) ProbedByTheTest();
  for (int i = 0; i < 5; ++i) PASS_USDT_PROBE(4711);
  EXPECT_EQ(RunsAt(*program, AT_USER_FUNCTION), 7u);
  EXPECT_EQ(RunsAt(*program, AT_USDT), IsLockedAway("at_usdt") ? 0u : 5u);
}

TEST_F(LoadedProgramTest, TheMarkFiresWhenItIsCalled) {
  const auto program = LoadPlaces();
  ASSERT_TRUE(program);
  EXPECT_EQ(RunsAt(*program, AT_MARK), 0u);
  post_attach_mark();
  EXPECT_EQ(RunsAt(*program, AT_MARK), 1u);
}

TEST_F(LoadedProgramTest, PerfEventsSampleOnEveryCpu) {
  const auto program = LoadPlaces();
  ASSERT_TRUE(program);
  EXPECT_TRUE(SpinUntil(
      [&] { return RunsAt(*program, AT_FREQUENCY) > 10 && RunsAt(*program, AT_PERIOD) > 10; }));
}

TEST_F(LoadedProgramTest, IteratorsRunWhenAsked) {
  const auto program = LoadPlaces();
  ASSERT_TRUE(program);
  EXPECT_EQ(RunsAt(*program, AT_EACH_MAP), 0u);
  const auto deadline = steady_clock::now() + std::chrono::seconds(10);
  const auto run = program->RunIterators(deadline, SystemClock());
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_GE(RunsAt(*program, AT_EACH_MAP), program->maps().size());
  const auto late = program->RunIterators(steady_clock::now(), SystemClock());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kExhausted);
}

TEST_F(LoadedProgramTest, RunStatisticsCountWhileTheyAreOn) {
  const auto program = LoadPlaces();
  ASSERT_TRUE(program);
  const auto statistics = sys_->EnableRunStats();
  ASSERT_TRUE(statistics) << statistics.error().message;
  for (int i = 0; i < 100; ++i) ::getppid();
  ASSERT_EQ(program->statuses()[1].program, "at_raw_tracepoint");
  const auto stats = program->RunStats(1);
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_GE(stats->run_count, 100u);
  EXPECT_GT(stats->run_time_ns, 0u);
}

TEST_F(LoadedProgramTest, WithoutAttachingOnlyTheVerifierLooks) {
  const auto program = LoadPlaces({.attach = false});
  ASSERT_TRUE(program);
  ::getppid();
  EXPECT_EQ(RunsAt(*program, AT_TRACEPOINT), 0u);
  for (const AttachStatus& status : program->statuses()) {
    EXPECT_FALSE(status.attached) << status.program;
    EXPECT_EQ(status.id == 0, KernelIsConfidential() && status.program == "at_usdt")
        << status.program;
  }
}

TEST_F(LoadedProgramTest, TheEndOfItTakesAllOutOfTheKernel) {
  uint32_t id = 0;
  {
    const auto program = LoadPlaces();
    ASSERT_TRUE(program);
    id = program->statuses()[0].id;
    EXPECT_TRUE(sys_->OpenById(ObjectKind::kProgram, id));
  }
  // The kernel frees programs after a grace period.
  EXPECT_TRUE(SpinUntil([&] { return !sys_->OpenById(ObjectKind::kProgram, id); }));
}

TEST_F(LoadedProgramTest, Fault26ABrokenProgramHidesNoOther) {
  const auto program = Load("load_broken");
  ASSERT_TRUE(program);
  EXPECT_TRUE(program->runs());
  ASSERT_EQ(program->statuses().size(), 8u);

  const AttachStatus& works = StatusOf(*program, "works");
  EXPECT_TRUE(works.attached) << ErrorOf(works);
  const uint64_t before = ValueAt(*program, "calls", 0);
  ::getppid();
  EXPECT_GT(ValueAt(*program, "calls", 0), before);

  const AttachStatus& null = StatusOf(*program, "follows_null");
  EXPECT_EQ(null.id, 0u);
  EXPECT_THAT(ErrorOf(null), AllOf(HasSubstr("follows_null"), HasSubstr("the verifier refuses it"),
                                   HasSubstr("invalid mem access 'map_value_or_null'"),
                                   Not(HasSubstr("\n")), Not(HasSubstr("processed"))));
  EXPECT_THAT(ErrorOf(StatusOf(*program, "without_types")),
              AllOf(HasSubstr("bpftally_no_such_tracepoint"), HasSubstr("this kernel")));
  EXPECT_THAT(ErrorOf(StatusOf(*program, "without_type")), HasSubstr("no_such_section"));
  EXPECT_THAT(ErrorOf(StatusOf(*program, "misspelt")), HasSubstr("did you mean \"frequency\"?"));

  const auto cpus = OnlineCpus();
  ASSERT_TRUE(cpus);
  EXPECT_THAT(
      ErrorOf(StatusOf(*program, "without_event")),
      StartsWith((cpus->size() > 1 ? "CPUs " : "CPU ") + CpuList(*cpus) + ": cannot attach"));

  const AttachStatus& missing = StatusOf(*program, "without_tracepoint");
  EXPECT_NE(missing.id, 0u);
  EXPECT_FALSE(missing.attached);
  EXPECT_EQ(missing.error->kind, ErrorKind::kUnsupported);
  EXPECT_THAT(ErrorOf(missing),
              AllOf(HasSubstr("tp/bpftally/no_such_tracepoint"),
                    HasSubstr(KernelIsConfidential() ? "lockdown=confidentiality"
                                                     : "this kernel has no such tracepoint")));
}

// Gives this thread a mount namespace of its own.
void EnterNewMounts() {
  ASSERT_EQ(::unshare(CLONE_NEWNS), 0) << std::strerror(errno);
  ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0)
      << std::strerror(errno);
  ::umount2("/sys/kernel/debug", MNT_DETACH);  // may not exist
}

TEST_F(LoadedProgramTest, WithoutTracefsItIsSaidHowToMountItOrThatItIsLocked) {
  std::thread([this] {
    constexpr const char* kTracefs = "/sys/kernel/tracing";
    const auto said = [this] {
      const auto program = Load("load_broken");
      return program ? ErrorOf(StatusOf(*program, "without_tracepoint")) : "";
    };
    ASSERT_NO_FATAL_FAILURE(EnterNewMounts());
    // A directory of tracefs without events stands for what lockdown=confidentiality leaves.
    if (!KernelIsConfidential()) {
      ASSERT_EQ(::mount("/sys/kernel/tracing/options", kTracefs, nullptr, MS_BIND, nullptr), 0)
          << std::strerror(errno);
    }
    EXPECT_THAT(said(), HasSubstr("lockdown=confidentiality"));
    while (::umount2(kTracefs, MNT_DETACH) == 0) continue;
    EXPECT_THAT(said(), HasSubstr("mount -t tracefs tracefs /sys/kernel/tracing"));
  }).join();
}

TEST_F(LoadedProgramTest, AKernelWithoutKprobesIsNamedAsSuch) {
  if (::access("/sys/bus/event_source/devices/kprobe/type", F_OK) == 0)
    GTEST_SKIP() << "a kernel without kprobes is missing: this one has them";
  const auto program = Load("load_broken");
  ASSERT_TRUE(program);
  const AttachStatus& status = StatusOf(*program, "needs_kprobes");
  EXPECT_FALSE(status.attached);
  EXPECT_THAT(ErrorOf(status), AllOf(HasSubstr("kprobe/vfs_read"), HasSubstr("CONFIG_KPROBES")));
}

TEST_F(LoadedProgramTest, AnObjectThatDoesNotRunReportsEachRefusalsLog) {
  const auto program = Load("load_refused");
  ASSERT_TRUE(program);
  EXPECT_FALSE(program->runs());
  ASSERT_EQ(program->statuses().size(), 2u);
  for (const AttachStatus& status : program->statuses()) {
    EXPECT_EQ(status.id, 0u);
    EXPECT_FALSE(status.attached);
    ASSERT_TRUE(status.error);
    EXPECT_EQ(status.error->kind, ErrorKind::kUnsupported);
    EXPECT_THAT(ErrorOf(status), HasSubstr(status.program));
    EXPECT_LT(ErrorOf(status).size(), 2000u);
  }
  EXPECT_THAT(ErrorOf(StatusOf(*program, "long_way_to_nowhere")),
              HasSubstr("invalid mem access 'scalar'"));
  EXPECT_THAT(ErrorOf(StatusOf(*program, "without_answer")), HasSubstr("R0 !read_ok"));
}

TEST_F(LoadedProgramTest, AFileThatIsNoObjectIsNamed) {
  const auto missing = LoadedProgram::Load({.object = "/no/such.bpf.o"}, {}, *sys_);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message,
              AllOf(HasSubstr("/no/such.bpf.o"), HasSubstr("No such file")));
  const auto text = LoadedProgram::Load({.object = "/proc/self/status"}, {}, *sys_);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("/proc/self/status"));
}

TEST_F(LoadedProgramTest, Fault28TypesOfAnotherKernelCanBeGiven) {
  const LoadOptions good{.btf_path = "/sys/kernel/btf/vmlinux"};
  EXPECT_TRUE(LoadPlaces(good));
  const LoadOptions bad{.btf_path = "/no/such/btf"};
  const auto program = LoadedProgram::Load(PlanOf("load_places"), bad, *sys_);
  // Programs that need no types of the kernel may load; the others must not.
  if (program) {
    EXPECT_EQ(StatusOf(**program, "at_each_map").id, 0u);
  }
}

TEST_F(LoadedProgramTest, AddressesOfTheKernelAreSet) {
  ProgramPlan plan = PlanOf("load_addresses");
  plan.kaddrs = {"vfs_read", "schedule"};
  const std::string proc = ::testing::TempDir() + "bpftally_loader_proc";
  std::filesystem::create_directory(proc);
  std::ofstream(proc + "/kallsyms") << "ffffffff00000010 T vfs_read_not\n"
                                       "ffffffff00000020 T vfs_read\n"
                                       "ffffffffc0000030 t schedule\t[module]\n";
  const auto program = Load(plan, {.proc = proc});
  ASSERT_TRUE(program);
  ::getppid();
  EXPECT_EQ(ValueAt(*program, "constants", 0), 7u);
  EXPECT_EQ(ValueAt(*program, "constants", 1), 0xffffffff00000020u);
  EXPECT_EQ(ValueAt(*program, "constants", 2), 0xffffffffc0000030u);

  plan.kaddrs = {"vfs_read", "bpftally_no_such_symbol"};
  const auto missing = LoadedProgram::Load(plan, {.proc = proc}, *sys_);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message,
              AllOf(HasSubstr("bpftally_no_such_symbol"), Not(HasSubstr("vfs_read,"))));
  std::filesystem::remove_all(proc);
}

TEST_F(LoadedProgramTest, AnAddressThatTheObjectDoesNotAskForIsAnError) {
  ProgramPlan plan = PlanOf("load_addresses");
  plan.kaddrs = {"vfs_write"};
  const auto program = LoadedProgram::Load(plan, {}, *sys_);
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message, HasSubstr("kaddr_vfs_write"));
}

TEST_F(LoadedProgramTest, AnAddressForAnObjectWithoutTypesIsAnError) {
  ProgramPlan plan = PlanOf("load_bare");
  EXPECT_TRUE(Load(plan));
  plan.kaddrs = {"schedule"};
  const auto program = LoadedProgram::Load(plan, {}, *sys_);
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message, HasSubstr("kaddr_schedule"));
}

// Gives this thread a network namespace in which `lo` is up.
void EnterNewNetwork() {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::string("lo").copy(request.ifr_name, IFNAMSIZ);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  ASSERT_EQ(::ioctl(socket.get(), SIOCSIFFLAGS, &request), 0);
}

void SendToMyself(int packets) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in here{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof here;
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&here), size), 0);
  ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&here), &size), 0);
  char byte = 'x';
  for (int i = 0; i < packets; ++i) {
    ASSERT_EQ(::sendto(socket.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&here), size), 1);
    ASSERT_EQ(::recv(socket.get(), &byte, 1, 0), 1);
  }
}

TEST_F(LoadedProgramTest, InterfacesAreFoundByName) {
  std::thread([this] {
    EnterNewNetwork();
    const auto program = Load("load_network");
    ASSERT_TRUE(program);
    ASSERT_NO_FATAL_FAILURE(SendToMyself(9));
    EXPECT_TRUE(StatusOf(*program, "before_the_stack").attached)
        << ErrorOf(StatusOf(*program, "before_the_stack"));
    EXPECT_EQ(ValueAt(*program, "packets", 0), 9u);
    if (KernelHasFunction("tcx_link_attach")) {
      EXPECT_EQ(ValueAt(*program, "packets", 1), 9u)
          << ErrorOf(StatusOf(*program, "on_the_way_in"));
      EXPECT_EQ(ValueAt(*program, "packets", 2), 9u);
    }
    EXPECT_EQ(ValueAt(*program, "packets", 3), 9u)
        << ErrorOf(StatusOf(*program, "before_the_socket"));
    EXPECT_THAT(ErrorOf(StatusOf(*program, "nowhere")),
                HasSubstr("there is no interface no_such_if here"));
    EXPECT_THAT(ErrorOf(StatusOf(*program, "without_interface")),
                HasSubstr("must name the interface"));
  }).join();
}

// Returns whether TCP knows the congestion control of load_struct_ops.
bool IsRegistered() {
  std::ifstream file("/proc/sys/net/ipv4/tcp_available_congestion_control");
  std::string names;
  return std::getline(file, names) && names.contains("tally_load");
}

// Connects to this process by it.
void ConnectWithIt() {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in here{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof here;
  auto* address = reinterpret_cast<sockaddr*>(&here);
  ASSERT_EQ(::bind(listener.get(), address, size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), address, &size), 0);
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::setsockopt(client.get(), IPPROTO_TCP, TCP_CONGESTION, "tally_load", 10), 0);
  ASSERT_EQ(::connect(client.get(), address, size), 0);
}

TEST_F(LoadedProgramTest, StructOpsAreRegisteredOnceAndGoWithTheirProgram) {
  if (!KernelHasFunction("bpf_struct_ops_link_create"))
    GTEST_SKIP() << "links of struct_ops are missing: kernel 6.4 has them";
  {
    const auto program = Load("load_struct_ops");
    ASSERT_TRUE(program);
    ASSERT_EQ(program->statuses().size(), 4u);
    for (const AttachStatus& status : program->statuses())
      EXPECT_TRUE(status.attached) << status.program << ": " << ErrorOf(status);
    EXPECT_TRUE(IsRegistered());
    for (int i = 0; i < 3; ++i) ASSERT_NO_FATAL_FAILURE(ConnectWithIt());
    EXPECT_EQ(ValueAt(*program, "connections", 0), 3u);

    const auto again = Load("load_struct_ops");
    ASSERT_TRUE(again);
    for (const AttachStatus& status : again->statuses()) {
      EXPECT_FALSE(status.attached);
      EXPECT_THAT(ErrorOf(status), HasSubstr("cannot register struct_ops counting_congestion"));
    }
    EXPECT_TRUE(IsRegistered());
  }
  EXPECT_TRUE(SpinUntil([] { return !IsRegistered(); }));
}

TEST_F(LoadedProgramTest, LoadingLeavesLittleInMemory) {
  const auto resident_kib = [] {
    std::ifstream statm("/proc/self/statm");
    long pages = 0;
    statm >> pages >> pages;
    return pages * (::sysconf(_SC_PAGESIZE) / 1024);
  };
  LoadPlaces();  // pays the cost of the first use
  const long before = resident_kib();
  const auto program = LoadPlaces();
  ASSERT_TRUE(program);
  const long grown = resident_kib() - before;
  RecordProperty("resident_kib", static_cast<int>(grown));
  EXPECT_LT(grown, 4096);
}

}  // namespace
}  // namespace bpftally
