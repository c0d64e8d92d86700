#include "host/attach_points.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

namespace bpftally {
namespace {

Result<UniqueFd> Open(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_RDONLY | O_CLOEXEC));
  if (fd) return fd;
  return std::unexpected(ErrnoError(errno, "cannot open " + path));
}

}  // namespace

UniqueFd OpenPerfEvent(const PerfEventTarget& target, int cpu) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = target.type;
  attributes.config = target.config;
  attributes.freq = target.frequency ? 1 : 0;
  attributes.sample_period = target.every;  // a union with sample_freq
  return UniqueFd(static_cast<int>(
      ::syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

uint32_t InterfaceIndex(const std::string& name) { return ::if_nametoindex(name.c_str()); }

Result<UniqueFd> OpenNetworkNamespace() { return Open("/proc/thread-self/ns/net", 0); }

Result<UniqueFd> OpenDirectory(const std::string& path) { return Open(path, O_DIRECTORY); }

Result<uint64_t> InodeOf(const UniqueFd& directory) {
  struct stat status{};
  if (::fstat(directory.get(), &status) == 0) return status.st_ino;
  return std::unexpected(ErrnoError(errno, "fstat"));
}

bool MayExist(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0 || errno == EACCES;
}

bool IsTracefsMounted() {
  struct statfs mounted{};
  return ::statfs("/sys/kernel/tracing", &mounted) == 0 && mounted.f_type == TRACEFS_MAGIC;
}

bool IsRoot() { return ::geteuid() == 0; }

}  // namespace bpftally
