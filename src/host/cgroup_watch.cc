#include "host/cgroup_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "host/directory_tree.h"

namespace bpftally {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kWanted = IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR;

}  // namespace

Result<CgroupWatch> CgroupWatch::Make(const std::string& root) {
  std::error_code error;
  if (!fs::is_directory(root, error))
    return std::unexpected(ErrnoError(error ? error.value() : ENOTDIR, "cannot watch " + root));
  auto waiter = EventWaiter::Make();
  if (!waiter) return std::unexpected(waiter.error());
  UniqueFd notifications(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  // Without inotify (the user may be at a limit), the tree is read again and again.
  if (notifications) {
    if (auto watched = waiter->Watch(notifications.get(), 0); !watched)
      return std::unexpected(watched.error());
  }
  return CgroupWatch(root, std::move(notifications), std::move(*waiter));
}

CgroupWatch::CgroupWatch(std::string root, UniqueFd notifications, EventWaiter waiter)
    : root_(std::move(root)),
      notifications_(std::move(notifications)),
      waiter_(std::move(waiter)) {}

CgroupWatch::Changes CgroupWatch::Wait(std::chrono::milliseconds longest) {
  Changes changes;
  if (!rescan_) {
    std::array<uint64_t, 2> ready{};
    waiter_.Wait(TimeLeft(longest), ready);
    ReadNotifications(changes);
    // Groups without a watch send no notification, however many came from others.
    if (!complete_ && TimeLeft(longest) == std::chrono::milliseconds(0)) rescan_ = true;
  }
  if (rescan_) LookAgain(changes);
  return changes;
}

// Returns the time until the next full scan if there must be one, else `longest`.
std::chrono::milliseconds CgroupWatch::TimeLeft(std::chrono::milliseconds longest) const {
  using std::chrono::milliseconds;
  if (complete_) return longest;
  const auto since = std::chrono::steady_clock::now() - looked_at_;
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(longest - since));
}

void CgroupWatch::ReadNotifications(Changes& changes) {
  alignas(inotify_event) std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = ::read(notifications_.get(), buffer.data(), buffer.size());
    if (got <= 0) return;
    for (size_t at = 0; at < static_cast<size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      Handle(event.wd, event.mask, event.len > 0 ? buffer.data() + at + sizeof event : "", changes);
      at += sizeof event + event.len;
    }
  }
}

void CgroupWatch::Handle(int watch, unsigned mask, const std::string& name, Changes& changes) {
  if ((mask & IN_Q_OVERFLOW) != 0) rescan_ = true;
  const auto parent = paths_.find(watch);
  if (parent == paths_.end() || (mask & IN_ISDIR) == 0 || name.empty()) return;
  const std::string path = parent->second + "/" + name;
  if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) AddTree(path, changes);
  if ((mask & (IN_DELETE | IN_MOVED_FROM)) != 0) Remove(path, changes);
}

// Scans the tree: groups below it may have been made before its watch began.
void CgroupWatch::AddTree(const std::string& path, Changes& changes) {
  VisitTree(path, [&](const std::string& group) { return AddOne(group, changes); });
}

// Returns false if the group is known already, or gone again.
bool CgroupWatch::AddOne(const std::string& path, Changes& changes) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return false;
  const auto known = groups_.find(path);
  if (known != groups_.end() && known->second.inode == status.st_ino) return false;
  Remove(path, changes);  // another group had its name, and its end was never reported
  const int watch =
      notifications_ ? ::inotify_add_watch(notifications_.get(), path.c_str(), kWanted) : -1;
  if (watch >= 0)
    paths_[watch] = path;
  else if (!notifications_ || errno != ENOENT)
    complete_ = false;
  groups_[path] = {status.st_ino, watch};
  changes.added.push_back(path);
  return true;
}

void CgroupWatch::Remove(const std::string& path, Changes& changes) {
  const auto known = groups_.find(path);
  if (known == groups_.end()) return;
  // The kernel has ended the watch itself.
  if (known->second.watch >= 0) paths_.erase(known->second.watch);
  groups_.erase(known);
  changes.removed.push_back(path);
}

void CgroupWatch::LookAgain(Changes& changes) {
  rescan_ = false;
  looked_at_ = std::chrono::steady_clock::now();
  std::set<std::string> there;
  VisitTree(root_, [&](const std::string& path) {
    there.insert(path);
    AddOne(path, changes);
    return true;
  });
  std::vector<std::string> gone;
  for (const auto& [path, group] : groups_) {
    if (!there.contains(path)) gone.push_back(path);
  }
  for (const std::string& path : gone) Remove(path, changes);
}

}  // namespace bpftally
