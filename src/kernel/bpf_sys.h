#pragma once

// The only way to bpf(2) and to facts of /proc and /sys: one system call each, no logic.
// RealBpfSys is the kernel, FakeBpfSys of the tests an in-memory one with scripted faults.

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "model/snapshot.h"

namespace bpftally {

// Buffers of BPF_MAP_LOOKUP_BATCH.
struct BatchBuffers {
  std::span<const std::byte> after;  // what `cursor` was after the last call; empty at the start
  std::span<std::byte> cursor;       // as long as a key, and at least 4 bytes
  std::span<std::byte> keys;
  std::span<std::byte> values;
  uint32_t room = 0;  // entries
};

struct BatchAnswer {
  uint32_t count = 0;  // entries, at the front of the buffers
  bool at_end = false;
};

class BpfSys {
 public:
  BpfSys() = default;
  BpfSys(const BpfSys&) = delete;
  BpfSys& operator=(const BpfSys&) = delete;
  virtual ~BpfSys() = default;

  // BPF_*_GET_NEXT_ID: the lowest id above `after`; empty at the end (ENOENT). Every other errno is
  // an error.
  virtual Result<std::optional<uint32_t>> NextId(ObjectKind kind, uint32_t after) = 0;

  // BPF_*_GET_FD_BY_ID; maps with BPF_F_RDONLY. kVanished when it is gone by now. Close it within
  // the visit.
  virtual Result<UniqueFd> OpenById(ObjectKind kind, uint32_t id) = 0;

  // BPF_OBJ_GET_INFO_BY_FD into the front of `info` (zeroed or with input pointers set); returns
  // how many bytes this kernel filled: an old kernel knows a shorter struct.
  virtual Result<size_t> ObjectInfo(int fd, std::span<std::byte> info) = 0;

  // The text of /proc/self/fdinfo/<fd>.
  virtual Result<std::string> FdInfo(int fd) = 0;

  // Loads and attaches our own iterator program of this kind (bpf/iter) and gives its link, which
  // is all that keeps it in the kernel. With `may_probe_read` it may use bpf_probe_read_kernel
  // where the kernel lacks bpf_rdonly_cast: refused under lockdown=confidentiality. There is none
  // for BTF objects.
  virtual Result<UniqueFd> LoadIterator(ObjectKind kind, bool may_probe_read) = 0;

  // BPF_ITER_CREATE on a kept link, and read(2) of the iterator: 0 at the end. EAGAIN and EINTR are
  // errors with that errno.
  virtual Result<UniqueFd> CreateIterator(int link_fd) = 0;
  virtual Result<size_t> Read(int fd, std::span<std::byte> buffer) = 0;

  // BPF_ENABLE_STATS for run time: on while the fd lives. 5.8, CAP_SYS_ADMIN.
  virtual Result<UniqueFd> EnableRunStats() = 0;

  // BPF_MAP_GET_NEXT_KEY; `key` empty asks for the first. False at the end.
  virtual Result<bool> NextKey(int map_fd, std::span<const std::byte> key,
                               std::span<std::byte> next) = 0;

  // BPF_MAP_LOOKUP_ELEM. kVanished: there is no such key.
  virtual Result<void> LookupElement(int map_fd, std::span<const std::byte> key,
                                     std::span<std::byte> value) = 0;

  // BPF_MAP_LOOKUP_BATCH; 5.6. ENOSPC: one bucket of the map does not fit, give more room. EINTR: a
  // key vanished, ask again. EINVAL or ENOTSUPP (524): not this kernel, or not this type of map.
  virtual Result<BatchAnswer> LookupBatch(int map_fd, const BatchBuffers& buffers) = 0;

  // The memory of a BPF_F_MMAPABLE array from `offset` on, which begins a page; 5.5. Element after
  // element, each a multiple of 8 bytes long.
  virtual Result<void> CopyMapped(int map_fd, size_t offset, std::span<std::byte> into) = 0;

  // A small file of /proc or /sys, whole.
  virtual Result<std::string> ReadFile(const std::string& path) = 0;

  // Path of the cgroup v2 with this id (kernfs node id) below its root, "/" for the root itself.
  virtual Result<std::string> CgroupPath(uint64_t id) = 0;

  // Number of descriptors that this process has open.
  virtual Result<uint64_t> OpenFdCount() = 0;
};

}  // namespace bpftally
