#pragma once

// What the kernel said of its BPF subsystem at one moment: plain data, written to YAML and back by
// snapshot_yaml.h. An optional that is empty means "not known by any source of this pass" and makes
// no sample: never a zero. The comment of a field names its source in bpf_*_info (or where else it
// stands) and the first kernel that has it.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace bpftally {

enum class ObjectKind { kProgram, kMap, kLink, kBtf };
inline constexpr std::array kObjectKinds = {ObjectKind::kProgram, ObjectKind::kMap,
                                            ObjectKind::kLink, ObjectKind::kBtf};
const char* ObjectKindName(ObjectKind kind);  // "program", "map", "link", "btf"

// How a kind was walked.
enum class Source { kNone, kIterator, kSyscall };
const char* SourceName(Source source);  // "none", "iterator", "syscall"

struct ProgramInfo {
  uint32_t id = 0;
  uint32_t type = 0;  // enum bpf_prog_type; its name by ProgramTypeName()
  std::string name;  // the full one of BTF func_info; else the kernel's 15 characters; may be empty
  std::array<uint8_t, 8> tag{};        // 4.13
  std::optional<bool> gpl_compatible;  // 4.18
  std::optional<int64_t>
      load_time_ns;             // since the epoch, from CLOCK_BOOTTIME and one fixed offset; 4.15
  std::optional<uint32_t> uid;  // created_by_uid; 4.15
  std::optional<uint32_t> translated_bytes;  // xlated_prog_len; 4.13
  std::optional<uint32_t> jitted_bytes;      // jited_prog_len, 0 = interpreted; 4.13
  std::optional<uint64_t> memory_bytes;      // fdinfo memlock, or prog->pages by iterator; 4.10
  std::optional<uint32_t> verified_instructions;  // verified_insns; 5.16
  std::optional<uint64_t> run_time_ns;            // only while run statistics are on; 5.1
  std::optional<uint64_t> run_count;              // only while run statistics are on; 5.1
  std::optional<uint64_t> recursion_misses;       // counted always; 5.12
  std::optional<std::vector<uint32_t>> map_ids;   // 4.15
  std::optional<uint32_t> btf_id;                 // 0 = has none; 5.0
  std::optional<uint32_t> stack_depth_bytes;      // iterator only (aux->stack_depth); 5.9
  std::optional<uint32_t>
      subprograms;    // functions, the main one included; nr_jited_ksyms or aux->func_cnt; 4.18
  bool self = false;  // loaded by this process

  bool operator==(const ProgramInfo&) const = default;
};

struct MapInfo {
  uint32_t id = 0;
  uint32_t type = 0;  // enum bpf_map_type; its name by MapTypeName()
  std::string
      name;  // the full one of the BTF variable; else the kernel's 15 characters; may be empty
  uint32_t key_size = 0;
  uint32_t value_size = 0;
  uint32_t max_entries = 0;
  uint32_t flags = 0;                 // BPF_F_*
  std::optional<uint64_t> map_extra;  // bloom filter hashes, arena base; 5.16
  std::optional<bool> frozen;         // fdinfo or iterator; 5.2
  std::optional<uint32_t> btf_id;     // 0 = has none; 4.18
  std::optional<uint64_t>
      entries;  // element count, where the type has one; iterator with kfunc 6.6, else scan
  std::optional<uint64_t> memory_bytes;  // fdinfo memlock; 4.10, exact from 6.4
  std::optional<uint64_t>
      buffer_size_bytes;  // ring buffer: data size; perf: data pages of all CPUs' buffers
  std::optional<uint64_t> buffer_backlog_bytes;  // ring buffer: produced, not yet consumed
  std::optional<uint64_t>
      perf_lost;  // perf event array: events lost in the buffers that are open now
  bool self = false;

  bool operator==(const MapInfo&) const = default;
};

struct LinkInfo {
  uint32_t id = 0;
  uint32_t type = 0;                    // enum bpf_link_type; its name by LinkTypeName()
  uint32_t program_id = 0;              // 0: a struct_ops link, which has a map instead
  std::optional<uint32_t> attach_type;  // enum bpf_attach_type, where this link type has one
  std::optional<std::string>
      target;  // by name: function, tracepoint, interface, cgroup path, path:offset, …
  std::optional<uint64_t> netns;         // inode of the network namespace that the target lives in
  std::optional<uint64_t> target_count;  // kprobe_multi, uprobe_multi: how many functions
  std::optional<uint64_t> missed;        // kprobe, kprobe_multi; 6.7
  bool self = false;

  bool operator==(const LinkInfo&) const = default;
};

struct BtfInfo {
  uint32_t id = 0;
  std::string name;         // "vmlinux", a module's name, or empty for a program's; 5.11
  bool kernel = false;      // 5.11
  uint32_t size_bytes = 0;  // 4.18

  bool operator==(const BtfInfo&) const = default;
};

// How the walk of one kind went.
struct KindStatus {
  Source source = Source::kNone;
  bool complete = false;  // every object that lived through the pass is in the snapshot
  uint64_t vanished = 0;  // gone between being listed and being read: normal
  std::optional<uint64_t>
      created;  // growth of the highest id since this process started; counts short-lived ones
  std::optional<Error> error = std::nullopt;  // why it is not complete; message names what to do
};

// One thing that a probe found out at start, or that a walk learnt later.
struct Feature {
  std::string name;    // "map_entries", "program_run_stats", "map_memory", …
  std::string source;  // "iterator", "syscall", "fdinfo"
  bool available = false;

  bool operator==(const Feature&) const = default;
};

// This process, of /proc/self: the process_* metrics.
struct ProcessInfo {
  std::optional<double> cpu_seconds;  // utime + stime
  std::optional<uint64_t> resident_bytes;
  std::optional<uint64_t> virtual_bytes;
  std::optional<uint64_t> open_fds;
  std::optional<uint64_t> max_fds;  // soft RLIMIT_NOFILE
  std::optional<uint64_t> threads;
  std::optional<double> start_time_seconds;  // since the epoch

  bool operator==(const ProcessInfo&) const = default;
};

struct Snapshot {
  int64_t taken_at_ns = 0;            // wall clock
  std::vector<ProgramInfo> programs;  // each by ascending id, no id twice
  std::vector<MapInfo> maps;
  std::vector<LinkInfo> links;
  std::vector<BtfInfo> btf;
  std::array<KindStatus, kObjectKinds.size()> status;  // by ObjectKind
  std::optional<bool>
      stats_enabled;  // kernel.bpf_stats_enabled, or our own BPF_ENABLE_STATS fd; 5.1
  std::vector<Feature> features;
  ProcessInfo process;  // of the exporter itself: filled on every machine, not part of the YAML

  KindStatus& StatusOf(ObjectKind kind) { return status[static_cast<size_t>(kind)]; }
  const KindStatus& StatusOf(ObjectKind kind) const { return status[static_cast<size_t>(kind)]; }
  size_t CountOf(ObjectKind kind) const;
};

}  // namespace bpftally
