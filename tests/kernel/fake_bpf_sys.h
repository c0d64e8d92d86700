#pragma once

// The one in-memory kernel of the unit tests: programs, maps, links and BTF objects as plain
// structs, read by system call and by iterator from the same data, with scripted faults.

#include <linux/bpf.h>
#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "kernel/bpf_sys.h"
#include "kernel/fake_objects.h"

namespace bpftally {

// Each reading of the monotonic clock moves it on by `step`.
class TickingClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point Now() const override { return now_ += step; }
  int64_t WallNanoseconds() const override { return wall_ns; }
  int64_t BootNanoseconds() const override { return boot_ns; }

  std::chrono::steady_clock::time_point After(std::chrono::nanoseconds span) const {
    return now_ + span;
  }

  std::chrono::nanoseconds step{0};
  int64_t wall_ns = 1'700'000'000'000'000'000;
  int64_t boot_ns = 5'000'000'000;

 private:
  mutable std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
};

enum class Method {
  kNextId,
  kOpenById,
  kObjectInfo,
  kFdInfo,
  kLoadIterator,
  kCreateIterator,
  kRead,
  kEnableRunStats,
  kNextKey,
  kLookupElement,
  kLookupBatch,
  kCopyMapped,
  kReadFile,
  kCgroupPath,
  kOpenFdCount,
};
inline constexpr size_t kMethods = 15;
const char* MethodName(Method method);

// One call as faults and counters see it. `kind` and `id` are those of the object behind the
// descriptor; of an iterator's descriptor its kind and 0; NextId has the id to go on from.
struct Call {
  Method method = Method::kNextId;
  std::optional<ObjectKind> kind = std::nullopt;
  uint32_t id = 0;
};

// Calls that fit fail with `sys_errno`: all but the first `after`, and `times` of them.
struct Fault {
  Method method = Method::kNextId;
  int sys_errno = 0;
  std::optional<ObjectKind> kind = std::nullopt;  // empty: any
  std::optional<uint32_t> id = std::nullopt;      // empty: any
  int after = 0;
  int times = std::numeric_limits<int>::max();
};

class FakeBpfSys final : public BpfSys {
 public:
  // The kernel's state: tests write here.
  std::map<uint32_t, FakeProgram> programs;
  std::map<uint32_t, FakeMap> maps;
  std::map<uint32_t, FakeLink> links;
  std::map<uint32_t, FakeBtf> btf;
  std::map<uint64_t, std::string> cgroups;
  std::map<std::string, std::string> files;
  bool others_stats = false;  // another process holds BPF_ENABLE_STATS

  void Erase(ObjectKind kind, uint32_t id);

  // How old the kernel is: how much of each info struct it knows, and what its iterators can tell.
  size_t program_info_size = sizeof(bpf_prog_info);
  size_t map_info_size = sizeof(bpf_map_info);
  size_t link_info_size = sizeof(bpf_link_info);
  uint32_t program_known = PROGRAM_KNOWS_MAP_IDS | PROGRAM_KNOWS_RUN_STATS |
                           PROGRAM_KNOWS_JITTED_SIZE | PROGRAM_KNOWS_VERIFIED;

  // Scripts. `after_call` runs behind each call that did not fail; `bend_stream` may damage what an
  // iterator is about to give; no read gives more than `read_size`.
  void Inject(const Fault& fault) { faults_.push_back(fault); }
  void ClearFaults() { faults_.clear(); }
  std::function<void(const Call&)> after_call;
  std::function<std::optional<uint32_t>(ObjectKind, uint32_t after)> next_id;
  std::function<void(ObjectKind, std::vector<std::byte>&)> bend_stream;
  size_t read_size = 32768;

  int Calls(Method method) const { return calls_[static_cast<size_t>(method)]; }
  int Calls(Method method, ObjectKind kind) const;
  void ForgetCalls();

  // How many of the descriptors that were handed out are still open: of objects and of iterators;
  // those that a reader keeps apart.
  size_t OpenObjects() const { return CountOpen(Role::kObject) + CountOpen(Role::kStream); }
  size_t OpenIteratorLinks() const { return CountOpen(Role::kIteratorLink); }
  size_t OpenStats() const { return CountOpen(Role::kStats); }

  Result<std::optional<uint32_t>> NextId(ObjectKind kind, uint32_t after) override;
  Result<UniqueFd> OpenById(ObjectKind kind, uint32_t id) override;
  Result<size_t> ObjectInfo(int fd, std::span<std::byte> info) override;
  Result<std::string> FdInfo(int fd) override;
  Result<UniqueFd> LoadIterator(ObjectKind kind, bool may_probe_read) override;
  Result<UniqueFd> CreateIterator(int link_fd) override;
  Result<size_t> Read(int fd, std::span<std::byte> buffer) override;
  Result<UniqueFd> EnableRunStats() override;
  Result<bool> NextKey(int map_fd, std::span<const std::byte> key,
                       std::span<std::byte> next) override;
  Result<void> LookupElement(int map_fd, std::span<const std::byte> key,
                             std::span<std::byte> value) override;
  Result<BatchAnswer> LookupBatch(int map_fd, const BatchBuffers& buffers) override;
  Result<void> CopyMapped(int map_fd, size_t offset, std::span<std::byte> into) override;
  Result<std::string> ReadFile(const std::string& path) override;
  Result<std::string> CgroupPath(uint64_t id) override;
  Result<uint64_t> OpenFdCount() override;

  std::optional<bool> last_may_probe_read;

 private:
  enum class Role { kObject, kIteratorLink, kStream, kStats };

  // Object behind a descriptor that was handed out. The inode distinguishes it from a later one
  // with the same number.
  struct Handle {
    Role role = Role::kObject;
    ObjectKind kind = ObjectKind::kProgram;
    uint32_t id = 0;
    std::vector<std::byte> stream = {};
    size_t position = 0;
    ino_t inode = 0;
  };

  UniqueFd HandOut(Handle handle);
  Handle& HandleOf(int fd);
  bool IsOpen(int fd, const Handle& handle) const;
  size_t CountOpen(Role role) const;
  std::optional<Error> Begin(const Call& call);
  void End(const Call& call) const;
  void DropClosedIterators();
  bool StatsOn() const;
  bool Exists(ObjectKind kind, uint32_t id) const;
  std::vector<std::byte> Stream(ObjectKind kind);

  std::map<int, Handle> handles_;
  std::vector<Fault> faults_;
  std::array<int, kMethods> calls_{};
  std::map<std::pair<Method, ObjectKind>, int> calls_by_kind_;
  std::map<ObjectKind, uint32_t> own_programs_;
};

}  // namespace bpftally
