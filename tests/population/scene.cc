#include "population/scene.h"

#include <fcntl.h>
#include <mntent.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>

namespace bpftally {
namespace {

std::string CgroupRoot() {
  std::string root = "/sys/fs/cgroup";
  FILE* mounts = ::setmntent("/proc/self/mounts", "re");
  if (mounts == nullptr) return root;
  while (const mntent* mount = ::getmntent(mounts)) {
    if (std::strcmp(mount->mnt_type, "cgroup2") == 0) root = mount->mnt_dir;
  }
  ::endmntent(mounts);
  return root;
}

bool RenameInterface(const char* from, const char* to) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  (void)std::snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", from);
  (void)std::snprintf(request.ifr_newname, sizeof(request.ifr_newname), "%s", to);
  return ::ioctl(socket.get(), SIOCSIFNAME, &request) == 0;
}

}  // namespace

OwnCgroup::OwnCgroup()
    : path_("/bpftally-test-" + std::to_string(::getpid())), directory_(CgroupRoot() + path_) {
  ::mkdir(directory_.c_str(), 0755);
  fd_.Reset(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

OwnCgroup::~OwnCgroup() {
  fd_.Reset();
  ::rmdir(directory_.c_str());
}

OwnNetns::OwnNetns() { std::thread(&OwnNetns::Enter, this).join(); }

void OwnNetns::Enter() {
  if (::unshare(CLONE_NEWNET) != 0 || !RenameInterface("lo", kInterface)) return;
  fd_.Reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  ifindex_ = ::if_nametoindex(kInterface);
  struct stat status{};
  if (fd_ && ::fstat(fd_.get(), &status) == 0) inode_ = status.st_ino;
}

void OwnNetns::Run(const std::function<void()>& work) const {
  std::thread([&] {
    if (::setns(fd_.get(), CLONE_NEWNET) == 0) work();
  }).join();
}

}  // namespace bpftally
