#include "host/processes.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "kernel/bpf_sys.h"

namespace bpftally {
namespace {

// Reads the numbers of /proc/self/stat from field 3 (state) on: the name before it may hold blanks
// and brackets.
std::vector<std::string_view> FieldsAfterName(std::string_view stat) {
  std::vector<std::string_view> fields;
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return fields;
  stat.remove_prefix(name_end + 1);
  while (true) {
    const size_t start = stat.find_first_not_of(" \n");
    if (start == std::string_view::npos) return fields;
    const size_t end = std::min(stat.find_first_of(" \n", start), stat.size());
    fields.push_back(stat.substr(start, end - start));
    stat.remove_prefix(end);
  }
}

uint64_t ToNumber(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

ProcessInfo ReadProcessInfo(BpfSys& sys, int64_t boot_to_wall_ns) {
  ProcessInfo info;
  const auto stat = sys.ReadFile("/proc/self/stat");
  const auto fields = stat ? FieldsAfterName(*stat) : std::vector<std::string_view>{};
  // proc(5) counts from 1, and these start at field 3.
  constexpr size_t kUserTime = 14 - 3, kSystemTime = 15 - 3, kThreads = 20 - 3, kStart = 22 - 3,
                   kVirtual = 23 - 3, kResident = 24 - 3;
  if (fields.size() > kResident) {
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    info.cpu_seconds =
        static_cast<double>(ToNumber(fields[kUserTime]) + ToNumber(fields[kSystemTime])) / ticks;
    info.threads = ToNumber(fields[kThreads]);
    info.start_time_seconds = static_cast<double>(ToNumber(fields[kStart])) / ticks +
                              static_cast<double>(boot_to_wall_ns) / 1e9;
    info.virtual_bytes = ToNumber(fields[kVirtual]);
    info.resident_bytes =
        ToNumber(fields[kResident]) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  if (const auto count = sys.OpenFdCount()) info.open_fds = *count;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) info.max_fds = limit.rlim_cur;
  return info;
}

}  // namespace bpftally
