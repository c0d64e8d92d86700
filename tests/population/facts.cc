#include "population/facts.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <utility>

namespace bpftally {
namespace {

template <typename Known>
const Known* Find(const std::vector<Known>& all, std::string_view label) {
  const auto found =
      std::ranges::find_if(all, [&](const Known& known) { return known.label == label; });
  return found == all.end() ? nullptr : &*found;
}

uint64_t MemoryOf(int fd) {
  std::ifstream file("/proc/self/fdinfo/" + std::to_string(fd));
  std::string word;
  uint64_t bytes = 0;
  while (file >> word) {
    if (word == "memlock:") file >> bytes;
  }
  return bytes;
}

}  // namespace

const KnownProgram* Made::Program(std::string_view label) const { return Find(programs, label); }
const KnownMap* Made::Map(std::string_view label) const { return Find(maps, label); }
const KnownLink* Made::Link(std::string_view label) const { return Find(links, label); }

void Made::Refuse(std::string label, int sys_errno, bool excused) {
  refused.push_back({std::move(label), sys_errno, excused || sys_errno == EPERM});
}

void Keep(Made& made, KnownProgram program) {
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  bpf_prog_get_info_by_fd(program.fd.get(), &info, &size);
  program.made.id = info.id;
  std::copy_n(info.tag, program.made.tag.size(), program.made.tag.begin());
  program.made.jitted_bytes = info.jited_prog_len;
  program.made.recursion_misses = info.recursion_misses;
  program.made.memory_bytes = MemoryOf(program.fd.get());
  made.programs.push_back(std::move(program));
}

void Keep(Made& made, KnownMap map) {
  bpf_map_info info{};
  uint32_t size = sizeof(info);
  bpf_map_get_info_by_fd(map.fd.get(), &info, &size);
  map.made.id = info.id;
  // Skips an arena, which reports 0 because its pages are not counted.
  if (const uint64_t bytes = MemoryOf(map.fd.get()); bytes > 0) map.made.memory_bytes = bytes;
  made.maps.push_back(std::move(map));
}

void Keep(Made& made, KnownLink link) {
  bpf_link_info info{};
  uint32_t size = sizeof(info);
  bpf_link_get_info_by_fd(link.fd.get(), &info, &size);
  link.made.id = info.id;
  made.links.push_back(std::move(link));
}

}  // namespace bpftally
