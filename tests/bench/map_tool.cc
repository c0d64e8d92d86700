// map_tool ID: fills the map with that id and a copy of it to their limit, then executes the
// commands on standard input. Answers each with one line: bytes, nanoseconds, and CPU nanoseconds.
//
//   warm   reads the copy and formats its lines: then this program's memory and code are in the
//          cache, while the map itself is not, as when a scrape comes
//   read   reads the map
//   text   reads the map and formats its lines

#include <bpf/libbpf.h>

#include <ctime>
#include <iostream>
#include <string>

#include "bare_map.h"

namespace bpftally::bench {
namespace {

uint64_t Nanoseconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

bpf_map_info InfoOf(int fd) {
  bpf_map_info info{};
  uint32_t size = sizeof(info);
  if (bpf_map_get_info_by_fd(fd, &info, &size) != 0) Die("BPF_OBJ_GET_INFO_BY_FD");
  return info;
}

size_t Read(const BareMap& map) {
  size_t bytes = 0;
  ReadInBatches(map, [&](auto keys, auto) { bytes += keys.size_bytes(); });
  return bytes;
}

size_t Text(const BareMap& map) {
  size_t bytes = 0;
  ReadInBatches(
      map, [&](auto keys, auto values) { bytes += SpellLines(keys, values, map.cpus).size(); });
  return bytes;
}

void Obey(const std::string& command, const BareMap& map, const BareMap& twin) {
  const uint64_t start = Nanoseconds(CLOCK_MONOTONIC);
  const uint64_t cpu_start = Nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  const size_t bytes = command == "warm" ? Text(twin) : command == "read" ? Read(map) : Text(map);
  const uint64_t cpu_end = Nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  const uint64_t end = Nanoseconds(CLOCK_MONOTONIC);
  std::cout << bytes << ' ' << end - start << ' ' << cpu_end - cpu_start << std::endl;
}

void Run(uint32_t id) {
  const int fd = Checked(bpf_map_get_fd_by_id(id), "BPF_MAP_GET_FD_BY_ID");
  const bpf_map_info info = InfoOf(fd);
  const auto cpus = static_cast<size_t>(Checked(libbpf_num_possible_cpus(), "possible CPUs"));
  const auto type = static_cast<bpf_map_type>(info.type);
  const BareMap twin = MakeMap(type, info.max_entries, cpus);
  const BareMap map{fd, twin.cpus};
  Fill(map, info.max_entries);
  Fill(twin, info.max_entries);
  std::cout << "ready" << std::endl;
  for (std::string command; std::getline(std::cin, command);) Obey(command, map, twin);
}

}  // namespace
}  // namespace bpftally::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "map_tool: give it the id of a map\n";
    return 2;
  }
  bpftally::bench::Run(static_cast<uint32_t>(std::strtoul(argv[1], nullptr, 10)));
}
