// Tests errors for refusals by the kernel, with objects that are only opened and errnos that the
// test chooses.
#include "programs/load/load_error.h"

#include <bpf/libbpf.h>
#include <gmock/gmock.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "build_paths.h"

namespace bpftally {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(LastLinesTest, TheReasonStandsBeforeTheStatistics) {
  EXPECT_EQ(LastLines("0: r1\nR0 invalid mem access\nprocessed 4 insns (limit 1000000)\n"),
            "0: r1 | R0 invalid mem access");
  EXPECT_EQ(LastLines("one\n\n\ntwo"), "one | two");
  EXPECT_EQ(LastLines("1\n2\n3\n4\n5\n"), "2 | 3 | 4 | 5");
  EXPECT_EQ(LastLines(""), "");
  EXPECT_EQ(LastLines("\n\n"), "");
  EXPECT_EQ(LastLines(std::string(100'000, 'x')).size(), 300u);
}

struct Refusal {
  const char* object;
  const char* program;
  bpf_prog_type type;  // set by our loader for sections that libbpf does not know
  int sys_errno;
  ErrorKind kind;
  const char* advice;
};

constexpr Refusal kRefusals[] = {
    {"load_network", "nowhere", BPF_PROG_TYPE_XDP, EBUSY, ErrorKind::kUnsupported,
     "another XDP program"},
    {"load_network", "nowhere", BPF_PROG_TYPE_XDP, EEXIST, ErrorKind::kUnsupported,
     "another XDP program"},
    {"load_network", "without_interface", BPF_PROG_TYPE_XDP, EOPNOTSUPP, ErrorKind::kUnsupported,
     "SEC(\"xdp/eth0\")"},
    {"load_network", "on_the_way_in", BPF_PROG_TYPE_SCHED_CLS, EINVAL, ErrorKind::kUnsupported,
     "tcx needs kernel 6.6"},
    {"load_network", "on_the_way_in", BPF_PROG_TYPE_SCHED_CLS, EPERM, ErrorKind::kPermission,
     "CAP_NET_ADMIN"},
    {"load_places", "at_period", BPF_PROG_TYPE_PERF_EVENT, ENOENT, ErrorKind::kUnsupported,
     "does not count such events"},
    {"load_places", "at_frequency", BPF_PROG_TYPE_PERF_EVENT, EINVAL, ErrorKind::kUnsupported,
     "perf_event_max_sample_rate"},
    {"load_places", "at_typed_tracepoint", BPF_PROG_TYPE_TRACING, EACCES, ErrorKind::kPermission,
     "CAP_PERFMON"},
    {"load_places", "at_cgroup", BPF_PROG_TYPE_CGROUP_SKB, EOPNOTSUPP, ErrorKind::kUnsupported,
     "nothing can attach by it"},
};

TEST(AttachErrorTest, TellsWhatIsMissingOrWhatToDo) {
  for (const Refusal& refusal : kRefusals) {
    const std::string path = std::string(BPFTALLY_TEST_OBJECTS "/") + refusal.object + ".bpf.o";
    const std::unique_ptr<bpf_object, decltype(&bpf_object__close)> object(
        bpf_object__open(path.c_str()), &bpf_object__close);
    ASSERT_TRUE(object) << path;
    bpf_program* program = bpf_object__find_program_by_name(object.get(), refusal.program);
    ASSERT_NE(program, nullptr) << refusal.program;
    ASSERT_EQ(bpf_program__set_type(program, refusal.type), 0);
    const Error error = AttachError(program, refusal.sys_errno, "");
    EXPECT_EQ(error.kind, refusal.kind) << error.message;
    EXPECT_EQ(error.sys_errno, refusal.sys_errno);
    EXPECT_THAT(error.message,
                AllOf(StartsWith(std::string("cannot attach program ") + refusal.program),
                      HasSubstr(bpf_program__section_name(program)), HasSubstr(refusal.advice)));
  }
}

TEST(ObjectErrorTest, NothingVanishedAndWhatIsTooLargeIsSaid) {
  const Error missing = ObjectError("/no/such.bpf.o", ENOENT, "");
  EXPECT_EQ(missing.kind, ErrorKind::kUnsupported);
  EXPECT_THAT(missing.message, HasSubstr("/no/such.bpf.o"));
  EXPECT_THAT(ObjectError("a.bpf.o", E2BIG, "map 'huge': failed to create").message,
              AllOf(HasSubstr("[map 'huge': failed to create]"), HasSubstr("too large")));
  const Error refused = ObjectError("a.bpf.o", EPERM, "");
  EXPECT_EQ(refused.kind, ErrorKind::kPermission);
  EXPECT_THAT(refused.message, HasSubstr("needs CAP_BPF and CAP_PERFMON"));
}

TEST(RefusedErrorTest, PrefersTheVerifierThenThePrivilegeThenLibbpf) {
  const std::vector<std::string> warnings = {"map 'x': something", "prog 'p': no such function",
                                             "failed to load object"};
  const auto refused = [&](int sys_errno, std::string_view log) {
    return RefusedError("p", "fentry/x", sys_errno, log, warnings);
  };
  const Error by_verifier = refused(EPERM, "R0 !read_ok\n");
  EXPECT_EQ(by_verifier.kind, ErrorKind::kUnsupported);
  EXPECT_THAT(by_verifier.message,
              StartsWith("cannot load program p (SEC(\"fentry/x\")): the verifier refuses it: R0"));
  const Error for_privilege = refused(EPERM, "");
  EXPECT_EQ(for_privilege.kind, ErrorKind::kPermission);
  EXPECT_THAT(for_privilege.message, AnyOf(HasSubstr("even to root"), HasSubstr("CAP_BPF")));
  const Error for_want = refused(ESRCH, "");
  EXPECT_EQ(for_want.kind, ErrorKind::kUnsupported);
  EXPECT_THAT(for_want.message, AllOf(HasSubstr("no such function"), HasSubstr("or its BTF")));
}

}  // namespace
}  // namespace bpftally
