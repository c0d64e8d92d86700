#include "kernel/real_bpf_sys.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <sstream>

#include "kernel/advice.h"
#include "kernel/bpf_sys.h"
#include "kernel/iterator_loader.h"

namespace bpftally {
namespace {

// struct file_handle of <fcntl.h> with the eight bytes that a cgroup's handle (its kernfs id) has.
struct CgroupHandle {
  uint32_t bytes = sizeof(uint64_t);
  int32_t type = 0xfe;  // FILEID_KERNFS
  uint64_t id = 0;
} __attribute__((packed));

Result<std::string> ReadAll(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::unexpected(ErrnoError(errno, "cannot open " + path));
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(ErrnoError(errno, "cannot read " + path));
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(got));
  }
}

class RealBpfSys final : public BpfSys {
 public:
  Result<std::optional<uint32_t>> NextId(ObjectKind kind, uint32_t after) override {
    static constexpr std::array kCommands = {BPF_PROG_GET_NEXT_ID, BPF_MAP_GET_NEXT_ID,
                                             BPF_LINK_GET_NEXT_ID, BPF_BTF_GET_NEXT_ID};
    bpf_attr attr{};
    attr.start_id = after;
    if (Call(kCommands[static_cast<size_t>(kind)], attr) >= 0) return attr.next_id;
    if (errno == ENOENT) return std::nullopt;
    return std::unexpected(Failure("list", kind));
  }

  Result<UniqueFd> OpenById(ObjectKind kind, uint32_t id) override {
    static constexpr std::array kCommands = {BPF_PROG_GET_FD_BY_ID, BPF_MAP_GET_FD_BY_ID,
                                             BPF_LINK_GET_FD_BY_ID, BPF_BTF_GET_FD_BY_ID};
    bpf_attr attr{};
    attr.prog_id = id;
    if (kind == ObjectKind::kMap) attr.open_flags = BPF_F_RDONLY;
    UniqueFd fd(Call(kCommands[static_cast<size_t>(kind)], attr));
    if (fd) return fd;
    // A link that is still being set up answers EAGAIN: it is not there yet.
    if (errno == EAGAIN)
      return std::unexpected(Error{ErrorKind::kVanished, EAGAIN, "the link is not settled yet"});
    return std::unexpected(Failure("open", kind));
  }

  Result<size_t> ObjectInfo(int fd, std::span<std::byte> info) override {
    bpf_attr attr{};
    attr.info.bpf_fd = static_cast<uint32_t>(fd);
    attr.info.info_len = static_cast<uint32_t>(info.size());
    attr.info.info = reinterpret_cast<uintptr_t>(info.data());
    if (Call(BPF_OBJ_GET_INFO_BY_FD, attr) < 0)
      return std::unexpected(ErrnoError(errno, "BPF_OBJ_GET_INFO_BY_FD"));
    return attr.info.info_len;
  }

  Result<std::string> FdInfo(int fd) override {
    return ReadAll(fmt::format("/proc/self/fdinfo/{}", fd));
  }

  Result<UniqueFd> LoadIterator(ObjectKind kind, bool may_probe_read) override {
    return LoadIteratorProgram(kind, may_probe_read);
  }

  Result<UniqueFd> CreateIterator(int link_fd) override {
    bpf_attr attr{};
    attr.iter_create.link_fd = static_cast<uint32_t>(link_fd);
    UniqueFd fd(Call(BPF_ITER_CREATE, attr));
    if (!fd) return std::unexpected(ErrnoError(errno, "BPF_ITER_CREATE"));
    return fd;
  }

  Result<size_t> Read(int fd, std::span<std::byte> buffer) override {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) return std::unexpected(ErrnoError(errno, "read of an iterator"));
    return static_cast<size_t>(got);
  }

  Result<UniqueFd> EnableRunStats() override {
    bpf_attr attr{};
    attr.enable_stats.type = BPF_STATS_RUN_TIME;
    UniqueFd fd(Call(BPF_ENABLE_STATS, attr));
    if (fd) return fd;
    if (errno == EPERM) {
      return std::unexpected(ErrnoError(
          EPERM, fmt::format("cannot turn run statistics on ({})",
                             CapabilityAdvice("CAP_SYS_ADMIN",
                                              "set the sysctl kernel.bpf_stats_enabled=1"))));
    }
    if (errno == EINVAL) {
      return std::unexpected(Error{ErrorKind::kUnsupported, EINVAL,
                                   "cannot turn run statistics on: BPF_ENABLE_STATS needs kernel "
                                   "5.8; set the sysctl kernel.bpf_stats_enabled=1"});
    }
    return std::unexpected(ErrnoError(errno, "cannot turn run statistics on: BPF_ENABLE_STATS"));
  }

  Result<bool> NextKey(int map_fd, std::span<const std::byte> key,
                       std::span<std::byte> next) override {
    bpf_attr attr{};
    attr.map_fd = static_cast<uint32_t>(map_fd);
    attr.key = reinterpret_cast<uintptr_t>(key.empty() ? nullptr : key.data());
    attr.next_key = reinterpret_cast<uintptr_t>(next.data());
    if (Call(BPF_MAP_GET_NEXT_KEY, attr) == 0) return true;
    if (errno == ENOENT) return false;
    return std::unexpected(ErrnoError(errno, "BPF_MAP_GET_NEXT_KEY"));
  }

  Result<void> LookupElement(int map_fd, std::span<const std::byte> key,
                             std::span<std::byte> value) override {
    bpf_attr attr{};
    attr.map_fd = static_cast<uint32_t>(map_fd);
    attr.key = reinterpret_cast<uintptr_t>(key.data());
    attr.value = reinterpret_cast<uintptr_t>(value.data());
    if (Call(BPF_MAP_LOOKUP_ELEM, attr) == 0) return {};
    return std::unexpected(ErrnoError(errno, "BPF_MAP_LOOKUP_ELEM"));
  }

  Result<BatchAnswer> LookupBatch(int map_fd, const BatchBuffers& buffers) override {
    bpf_attr attr{};
    attr.batch.map_fd = static_cast<uint32_t>(map_fd);
    attr.batch.in_batch =
        reinterpret_cast<uintptr_t>(buffers.after.empty() ? nullptr : buffers.after.data());
    attr.batch.out_batch = reinterpret_cast<uintptr_t>(buffers.cursor.data());
    attr.batch.keys = reinterpret_cast<uintptr_t>(buffers.keys.data());
    attr.batch.values = reinterpret_cast<uintptr_t>(buffers.values.data());
    attr.batch.count = buffers.room;
    if (Call(BPF_MAP_LOOKUP_BATCH, attr) == 0) return BatchAnswer{attr.batch.count, false};
    if (errno == ENOENT) return BatchAnswer{attr.batch.count, true};
    // A key that vanished too often: what came before it is there, and the cursor stands on it.
    if (errno == EINTR && attr.batch.count > 0) return BatchAnswer{attr.batch.count, false};
    return std::unexpected(ErrnoError(errno, "BPF_MAP_LOOKUP_BATCH"));
  }

  Result<void> CopyMapped(int map_fd, size_t offset, std::span<std::byte> into) override {
    void* memory =
        ::mmap(nullptr, into.size(), PROT_READ, MAP_SHARED, map_fd, static_cast<off_t>(offset));
    if (memory == MAP_FAILED) return std::unexpected(ErrnoError(errno, "mmap of a BPF array"));
    std::memcpy(into.data(), memory, into.size());
    ::munmap(memory, into.size());
    return {};
  }

  Result<std::string> ReadFile(const std::string& path) override { return ReadAll(path); }

  // cgroup ids are kernfs file handles, so no walk of the tree is needed. 4.x; CAP_DAC_READ_SEARCH.
  Result<std::string> CgroupPath(uint64_t id) override {
    if (auto mounted = FindCgroupRoot(); !mounted) return std::unexpected(mounted.error());
    CgroupHandle handle{.id = id};
    const UniqueFd fd(static_cast<int>(
        ::syscall(SYS_open_by_handle_at, cgroup_root_.get(), &handle, O_PATH | O_CLOEXEC)));
    if (!fd) {
      const Error error = ErrnoError(errno, fmt::format("cannot open cgroup {}", id));
      return std::unexpected(errno == ESTALE ? Error{ErrorKind::kVanished, ESTALE, error.message}
                                             : error);
    }
    std::array<char, 4096> path{};
    const ssize_t length =
        ::readlink(fmt::format("/proc/self/fd/{}", fd.get()).c_str(), path.data(), path.size());
    if (length < 0) return std::unexpected(ErrnoError(errno, "cannot read a cgroup's path"));
    const std::string_view whole(path.data(), static_cast<size_t>(length));
    if (!whole.starts_with(cgroup_mount_)) return std::string(whole);
    const std::string_view below = whole.substr(cgroup_mount_.size());
    return std::string(below.empty() ? "/" : below);
  }

  Result<uint64_t> OpenFdCount() override {
    struct stat status{};
    if (::stat("/proc/self/fd", &status) == 0 && status.st_size > 0) {
      return static_cast<uint64_t>(status.st_size);  // the kernel's own count; 6.2
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), ::closedir);
    if (!directory) return std::unexpected(ErrnoError(errno, "cannot open /proc/self/fd"));
    uint64_t count = 0;
    while (::readdir(directory.get()) != nullptr) ++count;
    return count - 3;  // ".", ".." and the descriptor of this listing
  }

 private:
  static int Call(bpf_cmd command, bpf_attr& attr) {
    return static_cast<int>(::syscall(SYS_bpf, command, &attr, sizeof attr));
  }

  static Error Failure(const char* verb, ObjectKind kind) {
    const std::string what =
        fmt::format("cannot {} BPF {} objects by id", verb, ObjectKindName(kind));
    if (errno == EPERM)
      return ErrnoError(EPERM, fmt::format("{} ({})", what, CapabilityAdvice("CAP_SYS_ADMIN")));
    if (errno == EINVAL)
      return {ErrorKind::kUnsupported, EINVAL, what + ": this kernel is too old for it"};
    return ErrnoError(errno, what);
  }

  // Where cgroup v2 is mounted: the only file system of that type, also beside v1 ("hybrid").
  Result<void> FindCgroupRoot() {
    if (cgroup_root_) return {};
    auto mounts = ReadAll("/proc/self/mounts");
    if (!mounts) return std::unexpected(mounts.error());
    std::istringstream lines(*mounts);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string device, path, type;  // the device may have any name
      if (!(words >> device >> path >> type) || type != "cgroup2") continue;
      cgroup_mount_ = path;
      cgroup_root_.Reset(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (cgroup_root_) return {};
    }
    return std::unexpected(Error{ErrorKind::kUnsupported, 0,
                                 "cgroup v2 is not mounted here: cgroup targets have no path"});
  }

  UniqueFd cgroup_root_;
  std::string cgroup_mount_;
};

}  // namespace

std::unique_ptr<BpfSys> MakeRealBpfSys() { return std::make_unique<RealBpfSys>(); }

}  // namespace bpftally
