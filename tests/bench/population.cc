// population N: keeps N programs, N maps and N links in the kernel until standard input ends.
// Prints "ready" when they exist.
//
// Makes and frees them in slices with a pause after each: the kernel frees each program in a work
// item of its own, and a thousand of them at once can lock it up for good. For the same reason this
// is a separate process, which ignores the terminal's signals.

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "bare_map.h"
#include "base/unique_fd.h"
#include "minimal_iterators.skel.h"

namespace bpftally::bench {
namespace {

constexpr size_t kSlice = 128;
constexpr auto kPause = std::chrono::milliseconds(100);

struct Objects {
  uint32_t program_id = 0;
  UniqueFd program;
  UniqueFd map;
  UniqueFd link;
};

int LoadProgram(const std::string& name) {
  const bpf_insn instructions[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                                   {.code = BPF_JMP | BPF_EXIT}};
  return bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, name.c_str(), "GPL", instructions, 2, nullptr);
}

uint32_t IdOf(int program) {
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  return bpf_prog_get_info_by_fd(program, &info, &size) == 0 ? info.id : 0;
}

Objects Make(size_t number, int iterator) {
  const std::string name = "bench_" + std::to_string(number);
  Objects objects;
  objects.program = UniqueFd(LoadProgram(name));
  objects.program_id = IdOf(objects.program.get());
  objects.map = UniqueFd(bpf_map_create(BPF_MAP_TYPE_HASH, name.c_str(), 8, 8, 16, nullptr));
  objects.link = UniqueFd(bpf_link_create(iterator, 0, BPF_TRACE_ITER, nullptr));
  return objects;
}

void WaitUntilGone(uint32_t program_id) {
  while (UniqueFd(bpf_prog_get_fd_by_id(program_id))) std::this_thread::sleep_for(kPause);
}

void FreeSlice(std::vector<Objects>& population) {
  std::vector<uint32_t> ids;
  for (; !population.empty() && ids.size() < kSlice; population.pop_back())
    ids.push_back(population.back().program_id);
  for (const uint32_t id : ids) WaitUntilGone(id);
  std::this_thread::sleep_for(kPause);  // the id vanishes first, the memory later
}

// Makes fewer than `count` if the kernel refuses one.
std::vector<Objects> MakeAll(size_t count, int iterator) {
  std::vector<Objects> population;
  while (population.size() < count) {
    Objects objects = Make(population.size(), iterator);
    if (!objects.program || !objects.map || !objects.link) {
      std::perror("population: bpf(2)");
      break;
    }
    population.push_back(std::move(objects));
    if (population.size() % kSlice == 0) std::this_thread::sleep_for(kPause);
  }
  return population;
}

int Run(size_t count) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(signal, SIG_IGN);
  const rlimit files{.rlim_cur = count * 3 + 256, .rlim_max = count * 3 + 256};
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) Die("population: RLIMIT_NOFILE");
  minimal_iterators* skeleton = minimal_iterators__open_and_load();
  if (skeleton == nullptr) Die("population: load of the minimal iterators");
  auto population = MakeAll(count, bpf_program__fd(skeleton->progs.minimal_maps));
  const bool whole = population.size() == count;
  if (whole) std::cout << "ready" << std::endl;
  for (std::string line; whole && std::getline(std::cin, line);) {
  }
  while (!population.empty()) FreeSlice(population);
  minimal_iterators__destroy(skeleton);
  return whole ? 0 : 1;
}

}  // namespace
}  // namespace bpftally::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "population: give it a number\n";
    return 2;
  }
  return bpftally::bench::Run(std::strtoul(argv[1], nullptr, 10));
}
