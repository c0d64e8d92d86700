#include "host/cgroup_root.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <fstream>
#include <sstream>

namespace bpftally {
namespace {

// A later mount may hide an earlier one, so the file system that is there now is checked.
bool IsCgroupV2(const std::string& path) {
  struct statfs status{};
  return ::statfs(path.c_str(), &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
}

}  // namespace

Result<std::string> FindCgroupRoot(const std::string& mounts) {
  constexpr const char* kUsual = "/sys/fs/cgroup";
  if (IsCgroupV2(kUsual)) return kUsual;
  std::ifstream file(mounts);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string device;
    std::string path;
    std::string type;
    if (words >> device >> path >> type && type == "cgroup2" && IsCgroupV2(path)) return path;
  }
  return std::unexpected(
      Error{ErrorKind::kUnsupported, 0, "cgroup v2 is not mounted here: see mount -t cgroup2"});
}

}  // namespace bpftally
