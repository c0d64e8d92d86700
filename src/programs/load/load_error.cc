#include "programs/load/load_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "base/utf8.h"
#include "host/attach_points.h"
#include "kernel/advice.h"

namespace bpftally {
namespace {

constexpr size_t kLogLines = 4;
constexpr size_t kLineBytes = 300;

// Removes libbpf's name of the program, which our message already begins with.
std::string_view WithoutProgram(std::string_view warning) {
  if (!warning.starts_with("prog '")) return warning;
  const size_t end = warning.find("': ");
  return end == std::string_view::npos ? warning : warning.substr(end + 3);
}

// Prefers the warning: libbpf's attach functions may return an errno of their own only.
std::string Reason(int sys_errno, std::string_view warning) {
  if (!warning.empty()) return ToOneLine(WithoutProgram(warning));
  return sys_errno == 0 ? "libbpf gives no reason" : std::strerror(sys_errno);
}

bool IsKprobe(std::string_view section) {
  return section.starts_with("kprobe") || section.starts_with("kretprobe") ||
         section.starts_with("ksyscall") || section.starts_with("kretsyscall");
}

bool IsTracepoint(std::string_view section) {
  return section.starts_with("tp/") || section.starts_with("tracepoint/");
}

bool HasTracefs() {
  return MayExist("/sys/kernel/tracing/events") || MayExist("/sys/kernel/debug/tracing/events");
}

// Returns whether lockdown=confidentiality is on, which leaves tracefs mounted and empty.
bool IsTracefsLocked() { return !HasTracefs() && IsTracefsMounted(); }

bool IsKprobeMulti(std::string_view section) {
  return IsKprobe(section) && section.contains(".multi");
}

// Returns whether libbpf looks up this section in tracefs.
bool NeedsTracefs(std::string_view section) {
  return IsTracepoint(section) || IsKprobeMulti(section);
}

// Returns what is missing, or what to do; empty if that is unknown.
std::string_view AttachAdvice(const bpf_program* program, int sys_errno) {
  const std::string_view section = bpf_program__section_name(program);
  if (IsKprobe(section) && !MayExist("/sys/bus/event_source/devices/kprobe/type"))
    return "this kernel has no kprobes (CONFIG_KPROBES): use fentry, tp_btf or a tracepoint";
  if ((IsKprobe(section) || IsTracepoint(section)) && IsTracefsLocked())
    return "lockdown=confidentiality allows neither kprobes nor tracefs: use raw_tp or tp_btf";
  if (NeedsTracefs(section) && sys_errno == EACCES)
    return "tracefs lets only root in: run as root, or with CAP_DAC_READ_SEARCH";
  if (sys_errno == EPERM || sys_errno == EACCES)
    return "needs CAP_PERFMON, or CAP_NET_ADMIN for what attaches to the network; with these, what "
           "guards this kernel forbids it";
  if (IsKprobe(section) && sys_errno == ENOENT)
    return "this kernel has no such function, or it may not be probed";
  if (NeedsTracefs(section) && !HasTracefs())
    return "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing";
  if (IsTracepoint(section) && sys_errno == ENOENT) return "this kernel has no such tracepoint";
  if (bpf_program__type(program) == BPF_PROG_TYPE_PERF_EVENT &&
      (sys_errno == ENOENT || sys_errno == EOPNOTSUPP || sys_errno == ENODEV))
    return "this machine does not count such events: virtual machines often have no hardware ones";
  if (bpf_program__type(program) == BPF_PROG_TYPE_PERF_EVENT && sys_errno == EINVAL)
    return "the frequency may be above the sysctl kernel.perf_event_max_sample_rate";
  if (bpf_program__type(program) == BPF_PROG_TYPE_XDP &&
      (sys_errno == EBUSY || sys_errno == EEXIST))
    return "another XDP program is on this interface";
  if (bpf_program__type(program) == BPF_PROG_TYPE_XDP && sys_errno == EOPNOTSUPP)
    return "the section must name the interface: SEC(\"xdp/eth0\")";
  if (bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS)
    return "the section must name the interface: SEC(\"tcx/ingress/eth0\"), and tcx needs kernel "
           "6.6";
  if (IsKprobeMulti(section) && sys_errno == EOPNOTSUPP)
    return "this kernel has no fprobes (CONFIG_FPROBE): use a kprobe for each function";
  if (sys_errno == EOPNOTSUPP)
    return "its section does not say to what, or nothing can attach by it";
  return {};
}

ErrorKind AttachKind(int sys_errno) {
  const ErrorKind kind = KindOfErrno(sys_errno);
  // ENOENT here means that the kernel never had it, not that it vanished.
  return kind == ErrorKind::kVanished || kind == ErrorKind::kInternal ? ErrorKind::kUnsupported
                                                                      : kind;
}

std::string Parenthesised(std::string_view advice) {
  return advice.empty() ? std::string() : fmt::format(" ({})", advice);
}

}  // namespace

std::string LastLines(std::string_view log) {
  std::vector<std::string_view> lines;
  while (!log.empty() && lines.size() < kLogLines) {
    log = log.substr(0, log.find_last_not_of('\n') + 1);
    const size_t start = log.find_last_of('\n') + 1;  // npos + 1 is 0: the first line
    const std::string_view line = log.substr(start);
    log = log.substr(0, start);
    const bool statistics =
        line.starts_with("processed ") || line.starts_with("insns processed ") ||
        line.starts_with("verification time") || line.starts_with("stack depth");
    if (!statistics && !line.empty()) lines.push_back(line.substr(0, kLineBytes));
  }
  std::ranges::reverse(lines);
  return ToOneLine(fmt::format("{}", fmt::join(lines, " | ")));
}

Error ObjectError(const std::string& path, int sys_errno, std::string_view warning) {
  std::string advice;
  if (sys_errno == EPERM) advice = CapabilityAdvice("CAP_BPF and CAP_PERFMON");
  if (sys_errno == E2BIG || sys_errno == ENOMEM) advice = "a map is too large for this machine";
  const std::string reason =
      warning.empty() ? std::string() : fmt::format(" [{}]", ToOneLine(WithoutProgram(warning)));
  Error error = ErrnoError(sys_errno, "cannot load " + path);
  error.message += reason + Parenthesised(advice);
  // ENOENT is about the file here: nothing vanished.
  if (error.kind == ErrorKind::kVanished || error.kind == ErrorKind::kInternal)
    error.kind = ErrorKind::kUnsupported;
  return error;
}

Error RefusedError(std::string_view program, std::string_view section, int sys_errno,
                   std::string_view log, std::span<const std::string> warnings) {
  const std::string what = fmt::format("cannot load program {} (SEC(\"{}\"))", program, section);
  const std::string reason = LastLines(log);
  if (!reason.empty()) {
    return {ErrorKind::kUnsupported, sys_errno,
            fmt::format("{}: the verifier refuses it: {}", what, reason)};
  }
  if (sys_errno == EPERM) {
    const std::string advice =
        IsRoot() && !IsInUserNamespace()
            ? "this kernel, or what guards it, allows no such program even to root"
            : CapabilityAdvice("CAP_BPF and CAP_PERFMON, and CAP_NET_ADMIN for the network");
    return {ErrorKind::kPermission, sys_errno, fmt::format("{}: {}", what, advice)};
  }
  // The last warning says only that the object as a whole failed, so the program's own is used.
  const auto own = std::ranges::find_if(
      warnings, [](const std::string& line) { return line.starts_with("prog '"); });
  const std::string_view warning = own == warnings.end() ? std::string_view() : *own;
  const std::string_view advice =
      sys_errno == ESRCH || sys_errno == ENOENT
          ? "this kernel, or its BTF, has no such function or tracepoint"
          : "";
  return {ErrorKind::kUnsupported, sys_errno,
          fmt::format("{}: {}{}", what, Reason(sys_errno, warning), Parenthesised(advice))};
}

Error AttachError(const bpf_program* program, int sys_errno, std::string_view warning) {
  return {AttachKind(sys_errno), sys_errno,
          fmt::format("cannot attach program {} (SEC(\"{}\")): {}{}", bpf_program__name(program),
                      bpf_program__section_name(program), Reason(sys_errno, warning),
                      Parenthesised(AttachAdvice(program, sys_errno)))};
}

}  // namespace bpftally
