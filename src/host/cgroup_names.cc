#include "host/cgroup_names.h"

#include <sys/stat.h>

#include "host/directory_tree.h"

namespace bpftally {

std::optional<std::string_view> CgroupNames::Find(uint64_t id, TimePoint now) {
  Entry& entry = cache_.Touch(id, now);
  const bool known = !entry.path.empty();
  const std::chrono::nanoseconds good_for = known ? kKnownFor : kUnknownFor;
  if (!entry.asked || now - *entry.asked >= good_for) {
    entry.asked = now;
    if (auto path = Ask(id, now)) {
      entry.path = std::move(*path);
      entry.seen = now;
    } else if (known && now - entry.seen >= kLife) {
      entry.path.clear();
    }
  }
  if (entry.path.empty()) return std::nullopt;
  return entry.path;
}

std::optional<std::string> CgroupNames::Ask(uint64_t id, TimePoint now) {
  const auto below = resolve_(id);
  if (below) return *below == "/" ? root_ : root_ + *below;
  if (below.error().kind == ErrorKind::kVanished) return std::nullopt;
  if (!walked_at_ || now - *walked_at_ >= kUnknownFor) Walk(now);
  const auto found = walked_.find(id);
  if (found == walked_.end()) return std::nullopt;
  return found->second;
}

// The id of a cgroup is the inode of its directory.
void CgroupNames::Walk(TimePoint now) {
  walked_at_ = now;
  walked_.clear();
  VisitTree(root_, [this](const std::string& path) {
    if (walked_.size() >= kCapacity) return false;
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) walked_.emplace(status.st_ino, path);
    return true;
  });
}

void CgroupNames::Trim(TimePoint now) {
  cache_.Trim(now);
  if (walked_at_ && now - *walked_at_ >= kLife) walked_ = {};
}

}  // namespace bpftally
