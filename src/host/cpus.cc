#include "host/cpus.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <fstream>

namespace bpftally {
namespace {

constexpr int kMaxCpu = 65535;

// Reads a number off the front of `text`; -1 where there is none.
int TakeCpu(std::string_view& text) {
  int cpu = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return error == std::errc() && cpu <= kMaxCpu ? cpu : -1;
}

}  // namespace

Result<std::vector<int>> ParseCpuList(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const Error bad{ErrorKind::kInvalid, 0, fmt::format("\"{}\" is no list of CPUs", text)};
  std::vector<int> cpus;
  while (!text.empty()) {
    const int first = TakeCpu(text);
    int last = first;
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      last = TakeCpu(text);
    }
    if (first < 0 || last < first) return std::unexpected(bad);
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (text.starts_with(','))
      text.remove_prefix(1);
    else if (!text.empty())
      return std::unexpected(bad);
  }
  return cpus;
}

std::string CpuList(std::span<const int> cpus) {
  std::string list;
  for (size_t first = 0, last = 0; first < cpus.size(); first = ++last) {
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!list.empty()) list += ',';
    list += std::to_string(cpus[first]);
    if (last > first) list += '-' + std::to_string(cpus[last]);
  }
  return list;
}

Result<std::vector<int>> OnlineCpus() {
  const char* const path = "/sys/devices/system/cpu/online";
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line))
    return std::unexpected(ErrnoError(errno, std::string("cannot read ") + path));
  return ParseCpuList(line);
}

Result<size_t> PossibleCpus(BpfSys& sys) {
  const std::string path = "/sys/devices/system/cpu/possible";
  const auto text = sys.ReadFile(path);
  if (!text) return std::unexpected(text.error());
  const auto cpus = ParseCpuList(*text);
  if (!cpus) return std::unexpected(Wrap(cpus.error(), path));
  if (!cpus->empty()) return cpus->size();
  return std::unexpected(Error{ErrorKind::kInternal, 0, path + " lists no CPU"});
}

}  // namespace bpftally
