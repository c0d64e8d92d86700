#include "programs/cgroup_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

namespace bpftally {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kWanted = IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR;

// What cannot be read any more is about to be told as removed.
std::vector<std::string> Children(const std::string& path) {
  std::vector<std::string> children;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    if (it->is_directory(gone) && !it->is_symlink(gone)) children.push_back(it->path().string());
  }
  return children;
}

// `path` and all below it, parents first.
std::vector<std::string> Tree(const std::string& path) {
  std::vector<std::string> tree = {path};
  for (size_t i = 0; i < tree.size(); ++i) {
    for (std::string& child : Children(tree[i])) tree.push_back(std::move(child));
  }
  return tree;
}

}  // namespace

Result<CgroupWatch> CgroupWatch::Make(const std::string& root) {
  std::error_code error;
  if (!fs::is_directory(root, error))
    return std::unexpected(ErrnoError(error ? error.value() : ENOTDIR, "cannot watch " + root));
  UniqueFd notifications(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  // Without (a limit of the user's): by looking again.
  return CgroupWatch(root, std::move(notifications));
}

CgroupWatch::CgroupWatch(std::string root, UniqueFd notifications)
    : root_(std::move(root)), notifications_(std::move(notifications)) {}

CgroupWatch::Changes CgroupWatch::Wait(std::chrono::milliseconds longest, int end) {
  Changes changes;
  if (!rescan_) {
    std::array<pollfd, 2> wait{{{end, POLLIN, 0}, {notifications_.get(), POLLIN, 0}}};
    if (::poll(wait.data(), wait.size(), static_cast<int>(longest.count())) == 0)
      rescan_ = !complete_;
    ReadNotifications(changes);
  }
  if (rescan_) LookAgain(changes);
  return changes;
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

// Groups that were made below it before its watch began are found by looking.
void CgroupWatch::AddTree(const std::string& path, Changes& changes) {
  if (!AddOne(path, changes)) return;
  for (const std::string& child : Children(path)) AddTree(child, changes);
}

bool CgroupWatch::AddOne(const std::string& path, Changes& changes) {
  const auto [known, added] = watches_.emplace(path, -1);
  if (!added) return false;
  known->second =
      notifications_ ? ::inotify_add_watch(notifications_.get(), path.c_str(), kWanted) : -1;
  if (known->second >= 0)
    paths_[known->second] = path;
  else if (!notifications_ || errno != ENOENT)
    complete_ = false;
  changes.added.push_back(path);
  return true;
}

void CgroupWatch::Remove(const std::string& path, Changes& changes) {
  const auto known = watches_.find(path);
  if (known == watches_.end()) return;
  if (known->second >= 0) paths_.erase(known->second);  // the kernel ended the watch itself
  watches_.erase(known);
  changes.removed.push_back(path);
}

void CgroupWatch::LookAgain(Changes& changes) {
  rescan_ = false;
  const std::vector<std::string> tree = Tree(root_);
  const std::set<std::string_view> there(tree.begin(), tree.end());
  std::vector<std::string> gone;
  for (const auto& [path, watch] : watches_) {
    if (!there.contains(path)) gone.push_back(path);
  }
  for (const std::string& path : gone) Remove(path, changes);
  for (const std::string& path : tree) AddOne(path, changes);
}

}  // namespace bpftally
