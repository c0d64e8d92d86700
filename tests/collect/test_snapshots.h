#pragma once

// Snapshots made by hand: one with every field set, one with nothing but what is always there.

#include "model/snapshot.h"

namespace bpftally {

inline constexpr int64_t kLoadTime = 1'795'248'000'999'999'999;  // 2026-11-21 08:00:00.999… UTC

inline ProgramInfo FullProgram() {
  return {.id = 7,
          .type = 26,
          .name = "handle_exec",
          .tag = {0x00, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xff},
          .gpl_compatible = true,
          .load_time_ns = kLoadTime,
          .uid = 1000,
          .translated_bytes = 101,
          .jitted_bytes = 102,
          .memory_bytes = 4096,
          .verified_instructions = 104,
          .run_time_ns = 1'500'000'000,
          .run_count = 106,
          .recursion_misses = 107,
          .map_ids = std::vector<uint32_t>{9, 4, 9},
          .btf_id = 108,
          .stack_depth_bytes = 109,
          .subprograms = 110,
          .self = false};
}

inline MapInfo FullMap() {
  return {.id = 8,
          .type = 27,
          .name = "events",
          .key_size = 201,
          .value_size = 202,
          .max_entries = 203,
          .flags = 204,
          .map_extra = 205,
          .frozen = true,
          .btf_id = 206,
          .entries = 207,
          .memory_bytes = 208,
          .buffer_size_bytes = 209,
          .buffer_backlog_bytes = 210,
          .perf_lost = 211,
          .self = false};
}

inline LinkInfo FullLink() {
  return {.id = 9,
          .type = 8,
          .program_id = 7,
          .attach_type = 42,
          .target = "vfs_read",
          .netns = 4026531840,
          .target_count = 301,
          .missed = 302,
          .self = false};
}

inline void MarkComplete(Snapshot& snapshot) {
  for (KindStatus& status : snapshot.status)
    status = {
        .source = Source::kIterator, .complete = true, .vanished = 0, .created = std::nullopt};
}

inline Snapshot FullSnapshot() {
  Snapshot snapshot;
  snapshot.taken_at_ns = kLoadTime + 1;
  snapshot.programs = {FullProgram()};
  snapshot.maps = {FullMap()};
  snapshot.links = {FullLink()};
  snapshot.btf = {{.id = 1, .name = "vmlinux", .kernel = true, .size_bytes = 401}};
  MarkComplete(snapshot);
  for (KindStatus& status : snapshot.status) status.created = 5;
  snapshot.stats_enabled = true;
  snapshot.features = {{.name = "map_entries", .source = "iterator", .available = true}};
  snapshot.process = {.cpu_seconds = 0.5,
                      .resident_bytes = 501,
                      .virtual_bytes = 502,
                      .open_fds = 503,
                      .max_fds = 504,
                      .threads = 505,
                      .start_time_seconds = 1'795'248'000.5};
  return snapshot;
}

template <typename Info>
Info WithId(uint32_t id, uint32_t type = 1) {
  Info info;
  info.id = id;
  info.type = type;
  return info;
}

// One object of each kind, of which every optional is unknown.
inline Snapshot BareSnapshot() {
  Snapshot snapshot;
  snapshot.programs = {WithId<ProgramInfo>(7)};
  snapshot.maps = {WithId<MapInfo>(8)};
  snapshot.links = {WithId<LinkInfo>(9)};
  MarkComplete(snapshot);
  return snapshot;
}

}  // namespace bpftally
