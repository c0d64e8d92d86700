#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <utility>

#include "population/kernel_abilities.h"
#include "population/libbpf_options.h"
#include "population/links.h"
#include "population/perf_event.h"

extern "C" {
__attribute__((noinline)) int BpftallyProbedFunction(int value) { return value + 1; }
__attribute__((noinline)) int BpftallyOtherProbedFunction(int value) { return value + 2; }
}

namespace bpftally {
namespace {

constexpr uint64_t kCookie = 7;

// Returns the offset of a function in this binary's file, which a uprobe needs.
uint64_t OffsetOf(int (*function)(int)) {
  const auto address = reinterpret_cast<uint64_t>(function);
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (std::getline(maps, line)) {
    uint64_t start = 0;
    uint64_t end = 0;
    uint64_t offset = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %*s %lx", &start, &end, &offset) != 3) continue;
    if (start <= address && address < end) return address - start + offset;
  }
  return 0;
}

// Lockdown hides the ids of tracepoints.
bool IsHidden(const KnownLink& link) {
  return link.label == "perf_event/tracepoint" && KernelIsConfidential();
}

void KeepOrRefuse(Made& made, KnownLink link, const char* needs) {
  if (link.fd) {
    Keep(made, std::move(link));
  } else {
    const bool excused = !KernelHasFunction(needs) || IsHidden(link);
    made.Refuse("link " + link.label, errno, excused);
  }
}

struct PerfTarget {
  const char* label;
  const char* program;
  perf_event_attr attr;
  std::string name;
  const char* needs;
};

void MakePerfLink(Made& made, const PerfTarget& target) {
  const KnownProgram* program = made.Program(target.program);
  if (program == nullptr) return;
  UniqueFd event = OpenPerfEvent(target.attr, 0);
  KnownLink link;
  link.label = target.label;
  link.made.type = BPF_LINK_TYPE_PERF_EVENT;
  link.made.program_id = program->made.id;
  link.made.target = target.name;
  auto options = EmptyOptions<bpf_link_create_opts>();
  options.perf_event.bpf_cookie = kCookie;
  if (event) {
    link.fd.Reset(bpf_link_create(program->fd.get(), event.get(), BPF_PERF_EVENT, &options));
  }
  KeepOrRefuse(made, std::move(link), target.needs);
}

perf_event_attr Software() {
  perf_event_attr attr{};
  attr.size = sizeof(attr);
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_CPU_CLOCK;
  attr.sample_period = 1'000'000'000;  // rare, since it need not fire
  return attr;
}

perf_event_attr Uprobe(const std::string& path) {
  perf_event_attr attr{};
  attr.size = sizeof(attr);
  std::ifstream("/sys/bus/event_source/devices/uprobe/type") >> attr.type;
  attr.config1 = reinterpret_cast<uint64_t>(path.c_str());
  attr.config2 = OffsetOf(&BpftallyProbedFunction);
  return attr;
}

// Without the device the type stays 0 (hardware), and the kernel refuses the attempt.
perf_event_attr Kprobe(const char* function) {
  perf_event_attr attr{};
  attr.size = sizeof(attr);
  std::ifstream("/sys/bus/event_source/devices/kprobe/type") >> attr.type;
  attr.config1 = reinterpret_cast<uint64_t>(function);
  return attr;
}

void MakeUprobeMulti(Made& made, const std::string& path) {
  const KnownProgram* program = made.Program("uprobe/multi");
  if (program == nullptr) return;
  const std::array<unsigned long, 2> offsets = {OffsetOf(&BpftallyProbedFunction),
                                                OffsetOf(&BpftallyOtherProbedFunction)};
  auto options = EmptyOptions<bpf_link_create_opts>();
  options.uprobe_multi.path = path.c_str();
  options.uprobe_multi.offsets = offsets.data();
  options.uprobe_multi.cnt = offsets.size();
  KnownLink link;
  link.label = "uprobe_multi";
  link.made.type = BPF_LINK_TYPE_UPROBE_MULTI;
  link.made.program_id = program->made.id;
  link.made.target = path;
  link.made.target_count = offsets.size();
  link.fd.Reset(bpf_link_create(program->fd.get(), 0, BPF_TRACE_UPROBE_MULTI, &options));
  KeepOrRefuse(made, std::move(link), "bpf_uprobe_multi_link_attach");
}

void MakeKprobeMulti(Made& made) {
  const KnownProgram* program = made.Program("kprobe/multi");
  if (program == nullptr) return;
  std::array<const char*, 2> functions = {"bpf_fentry_test1", "bpf_fentry_test2"};
  auto options = EmptyOptions<bpf_link_create_opts>();
  options.kprobe_multi.syms = functions.data();
  options.kprobe_multi.cnt = functions.size();
  KnownLink link;
  link.label = "kprobe_multi";
  link.made.type = BPF_LINK_TYPE_KPROBE_MULTI;
  link.made.program_id = program->made.id;
  link.made.target_count = functions.size();
  link.made.missed = 0;
  link.fd.Reset(bpf_link_create(program->fd.get(), 0, BPF_TRACE_KPROBE_MULTI, &options));
  KeepOrRefuse(made, std::move(link), "register_fprobe_ips");
}

}  // namespace

void MakeProbeLinks(Made& made) {
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  const std::string self(path.data(), static_cast<size_t>(length));
  MakePerfLink(made, {"perf_event/software", "perf_event", Software(), "software:cpu-clock",
                      "perf_event_set_bpf_prog"});
  MakePerfLink(made, {"perf_event/tracepoint", "tracepoint", TracepointAttr("task/task_rename"),
                      "task_rename", "perf_event_set_bpf_prog"});
  MakePerfLink(made, {"perf_event/uprobe", "kprobe", Uprobe(self),
                      fmt::format("{}:{:#x}", self, OffsetOf(&BpftallyProbedFunction)),
                      "bpf_uprobe_multi_link_attach"});
  MakePerfLink(made, {"perf_event/kprobe", "kprobe", Kprobe("bpf_fentry_test1"), "bpf_fentry_test1",
                      "register_kprobe"});
  MakeUprobeMulti(made, self);
  MakeKprobeMulti(made);
}

}  // namespace bpftally
