#include "census/link_target.h"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <array>
#include <span>

namespace bpftally {
namespace {

// In the order of the uapi enums; empty where a number has no name.
constexpr auto kHardwareEvents = std::to_array<std::string_view>(
    {"cpu-cycles", "instructions", "cache-references", "cache-misses", "branch-instructions",
     "branch-misses", "bus-cycles", "stalled-cycles-frontend", "stalled-cycles-backend",
     "ref-cycles"});
constexpr auto kSoftwareEvents = std::to_array<std::string_view>(
    {"cpu-clock", "task-clock", "page-faults", "context-switches", "cpu-migrations", "minor-faults",
     "major-faults", "alignment-faults", "emulation-faults", "dummy", "bpf-output",
     "cgroup-switches"});
constexpr auto kNetfilterFamilies = std::to_array<std::string_view>(
    {"unspec", "inet", "ipv4", "arp", "", "netdev", "", "bridge", "", "", "ipv6", "", "decnet"});
constexpr auto kInetHooks = std::to_array<std::string_view>(
    {"prerouting", "input", "forward", "output", "postrouting", "ingress"});

std::string NameOrNumber(std::span<const std::string_view> names, uint64_t number) {
  if (number < names.size() && !names[number].empty()) return std::string(names[number]);
  return fmt::format("{}", number);
}

}  // namespace

std::string PerfEventTarget(uint32_t type, uint64_t config) {
  switch (type) {
    case PERF_TYPE_HARDWARE:
      return "hardware:" + NameOrNumber(kHardwareEvents, config);
    case PERF_TYPE_SOFTWARE:
      return "software:" + NameOrNumber(kSoftwareEvents, config);
    // Inside, the two clocks are PMUs of their own, the first that are made (6.5).
    case PERF_TYPE_MAX:
      return "software:cpu-clock";
    case PERF_TYPE_MAX + 1:
      return "software:task-clock";
    case PERF_TYPE_TRACEPOINT:
      return fmt::format("tracepoint:{}", config);
    case PERF_TYPE_HW_CACHE:
      return fmt::format("hw-cache:{:#x}", config);
    case PERF_TYPE_RAW:
      return fmt::format("raw:{:#x}", config);
    case PERF_TYPE_BREAKPOINT:
      return "breakpoint";
    default:
      return fmt::format("pmu_{}:{:#x}", type, config);
  }
}

std::string ProbeTarget(std::string_view path_or_function, uint64_t offset) {
  if (path_or_function.starts_with('/')) return fmt::format("{}:{:#x}", path_or_function, offset);
  return offset == 0 ? std::string(path_or_function)
                     : fmt::format("{}+{:#x}", path_or_function, offset);
}

std::string NetfilterTarget(uint32_t family, uint32_t hook, int32_t priority) {
  return fmt::format("{}:{}:{}", NameOrNumber(kNetfilterFamilies, family),
                     NameOrNumber(kInetHooks, hook), priority);
}

std::string NetnsTarget(uint64_t inode) { return fmt::format("net:[{}]", inode); }

}  // namespace bpftally
