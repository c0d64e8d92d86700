#include "population/activity.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "population/kernel_abilities.h"
#include "population/libbpf_options.h"
#include "population/perf_event.h"

namespace bpftally {
namespace {

KnownMap* FindMap(Made& made, std::string_view label) {
  const auto found = std::ranges::find(made.maps, label, &KnownMap::label);
  return found == made.maps.end() ? nullptr : &*found;
}

// Runs a raw_tracepoint program on one CPU.
bool RunOn(int cpu, const KnownProgram& program) {
  std::array<uint64_t, 4> arguments{};
  auto options = EmptyOptions<bpf_test_run_opts>();
  options.ctx_in = arguments.data();
  options.ctx_size_in = sizeof(arguments);
  options.flags = BPF_F_TEST_RUN_ON_CPU;
  options.cpu = static_cast<uint32_t>(cpu);
  return bpf_prog_test_run_opts(program.fd.get(), &options) == 0;
}

void FillRingBuffer(Made& made) {
  const KnownProgram* writer = made.Program("bpftally_fill_ring_buffer");
  KnownMap* map = FindMap(made, "bpftally_backlog");
  if (writer == nullptr || map == nullptr) return;
  constexpr uint64_t kRecords = 10;
  constexpr uint64_t kBytes = 40 + BPF_RINGBUF_HDR_SZ;
  for (uint64_t i = 0; i < kRecords; i++) {
    if (!RunOn(0, *writer)) made.Refuse("a run of bpftally_fill_ring_buffer", errno, false);
  }
  map->made.buffer_size_bytes = map->made.max_entries;
  map->made.buffer_backlog_bytes = kRecords * kBytes;
}

void FillUserRingBuffer(Made& made) {
  KnownMap* map = FindMap(made, "user_ringbuf");
  if (map == nullptr) return;
  constexpr uint32_t kRecords = 3;
  constexpr uint32_t kBytes = 24;
  user_ring_buffer* writer = user_ring_buffer__new(map->fd.get(), nullptr);
  for (uint32_t i = 0; i < kRecords; i++) {
    user_ring_buffer__submit(writer, user_ring_buffer__reserve(writer, kBytes));
  }
  user_ring_buffer__free(writer);
  map->made.buffer_backlog_bytes = kRecords * (kBytes + BPF_RINGBUF_HDR_SZ);
}

void OverflowPerfBuffers(Made& made) {
  const KnownProgram* writer = made.Program("bpftally_fill_perf_buffers");
  KnownMap* map = FindMap(made, "bpftally_lost");
  if (writer == nullptr || map == nullptr) return;
  map->made.buffer_size_bytes = 0;
  map->made.perf_lost = 0;
  for (int cpu = 0; cpu < static_cast<int>(map->made.max_entries); cpu++) {
    const auto buffer = std::make_shared<UnreadPerfBuffer>(cpu);
    const int event = buffer->fd();
    if (event < 0) continue;  // the CPU is offline
    bpf_map_update_elem(map->fd.get(), &cpu, &event, BPF_ANY);
    const int runs = 40 + 10 * cpu;  // another number on each CPU
    for (int i = 0; i < runs; i++) RunOn(cpu, *writer);
    *map->made.buffer_size_bytes += UnreadPerfBuffer::DataBytes();
    *map->made.perf_lost += buffer->Lost().value_or(0);
    made.kept.push_back(buffer);
  }
}

// Updates a map in a way that allocates while the kernel holds back all tracepoint programs: every
// update is a missed run of a program on kmem/kmalloc.
bool UpdateUnderProbe(int program, int map) {
  constexpr int kUpdates = 25;
  const UniqueFd event = OpenPerfEvent(TracepointAttr("kmem/kmalloc"), 0);
  const UniqueFd link(bpf_link_create(program, event.get(), BPF_PERF_EVENT, nullptr));
  if (!link) return false;
  const uint32_t key = 0;
  const uint32_t interface = 1;
  for (int i = 0; i < kUpdates; i++) bpf_map_update_elem(map, &key, &interface, BPF_ANY);
  return true;
}

void MissRuns(Made& made) {
  const auto program = std::ranges::find(made.programs, "missed", &KnownProgram::label);
  const KnownMap* map = made.Map("devmap_hash");
  if (program == made.programs.end() || map == nullptr) return;
  if (!UpdateUnderProbe(program->fd.get(), map->fd.get())) {
    made.Refuse("missed runs", errno,
                !KernelHasFunction("perf_event_set_bpf_prog") || KernelIsConfidential());
  }
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  bpf_prog_get_info_by_fd(program->fd.get(), &info, &size);
  program->made.recursion_misses = info.recursion_misses;
}

}  // namespace

void MakeActivity(Made& made) {
  FillRingBuffer(made);
  FillUserRingBuffer(made);
  OverflowPerfBuffers(made);
  MissRuns(made);
}

}  // namespace bpftally
