// Tests programs on functions of the kernel: each call is counted where this kernel allows it;
// elsewhere the error says why.

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/unique_fd.h"
#include "population/kernel_abilities.h"
#include "programs/load/loader_fixture.h"
#include "programs/load_probes.h"

namespace bpftally {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kCalls = 100;

bool AllowsKprobes() { return KernelHasFunction("register_kprobe") && !KernelIsConfidential(); }

bool AllowsFprobes() { return KernelHasFunction("register_fprobe_ips") && !KernelIsConfidential(); }

// Finds out by an attempt: some kernels that have trampolines refuse to use them.
bool AllowsFentry() {
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY);
  options.attach_btf_id =
      static_cast<uint32_t>(libbpf_find_vmlinux_btf_id("bpf_fentry_test1", BPF_TRACE_FENTRY));
  const std::array<bpf_insn, 2> code = {
      bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  const UniqueFd program(bpf_prog_load(BPF_PROG_TYPE_TRACING, "allows_fentry", "GPL", code.data(),
                                       code.size(), &options));
  return program && UniqueFd(bpf_raw_tracepoint_open(nullptr, program.get()));
}

std::string_view KprobesReason() {
  return KernelIsConfidential() ? "lockdown=confidentiality" : "CONFIG_KPROBES";
}

std::string_view FprobesReason() { return AllowsKprobes() ? "CONFIG_FPROBE" : KprobesReason(); }

std::string_view FentryReason() { return "allows no such program even to root"; }

struct Way {
  const char* program;
  Probe probe;
  bool (*is_allowed)();
  std::string_view (*reason)();  // why it does not attach here
};

constexpr Way kWays[] = {
    {"by_kprobe", BY_KPROBE, AllowsKprobes, KprobesReason},
    {"by_kretprobe", BY_KRETPROBE, AllowsKprobes, KprobesReason},
    {"by_ksyscall", BY_KSYSCALL, AllowsKprobes, KprobesReason},
    {"by_kretsyscall", BY_KRETSYSCALL, AllowsKprobes, KprobesReason},
    {"by_kprobe_multi", BY_KPROBE_MULTI, AllowsFprobes, FprobesReason},
    {"by_kretprobe_multi", BY_KRETPROBE_MULTI, AllowsFprobes, FprobesReason},
    {"by_fentry", BY_FENTRY, AllowsFentry, FentryReason},
    {"by_fexit", BY_FEXIT, AllowsFentry, FentryReason},
};

class KernelProbesTest : public LoaderTest {
 protected:
  void SetUp() override {
    LoaderTest::SetUp();
    if (IsSkipped()) return;
    EnsureMounted("tracefs", "/sys/kernel/tracing");
    program_ = Load("load_probes");
    ASSERT_TRUE(program_);
  }

  std::unique_ptr<LoadedProgram> program_;
};

TEST_F(KernelProbesTest, EachWayThatIsAllowedCountsEachCall) {
  const UniqueFd zeros(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(zeros);
  SetAt(*program_, "wanted_process", 0, static_cast<uint32_t>(::getpid()));
  char zero = 1;
  for (uint64_t i = 0; i < kCalls; ++i) ASSERT_EQ(::read(zeros.get(), &zero, 1), 1);
  SetAt(*program_, "wanted_process", 0, uint32_t{0});
  ASSERT_EQ(program_->statuses().size(), size_t{PROBES});
  for (const Way& way : kWays) {
    EXPECT_EQ(StatusOf(*program_, way.program).attached, way.is_allowed())
        << ErrorOf(StatusOf(*program_, way.program));
    EXPECT_EQ(ValueAt(*program_, "runs_of_each_probe", way.probe), way.is_allowed() ? kCalls : 0)
        << way.program;
  }
}

TEST_F(KernelProbesTest, OfEachThatIsRefusedTheReasonIsSaid) {
  for (const Way& way : kWays) {
    const AttachStatus& status = StatusOf(*program_, way.program);
    if (status.attached) {
      EXPECT_EQ(ErrorOf(status), "") << way.program;
      continue;
    }
    EXPECT_THAT(ErrorOf(status), StartsWith("cannot ")) << way.program;
    EXPECT_THAT(ErrorOf(status), HasSubstr(status.section)) << way.program;
    EXPECT_THAT(ErrorOf(status), HasSubstr(way.reason())) << way.program;
  }
}

}  // namespace
}  // namespace bpftally
