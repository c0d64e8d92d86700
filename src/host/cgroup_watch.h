#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace bpftally {

// Follows the control groups below a directory as they come and go: inotify, which needs no
// capability and works on every kernel; without watches left, by looking again each few seconds.
// One thread.
class CgroupWatch {
 public:
  struct Changes {
    std::vector<std::string> added;    // whole paths, parents first
    std::vector<std::string> removed;  // with those that came again, which are in both
  };

  // The first Wait() gives all that are there, the root first.
  static Result<CgroupWatch> Make(const std::string& root);

  // Waits for a change, but not longer than that; `end` readable ends it, too. Bursts are one.
  // Where a group has no watch, all are looked at again once that long has passed.
  Changes Wait(std::chrono::milliseconds longest, int end);

 private:
  struct Group {
    uint64_t inode = 0;  // its id: one that comes again under the same path has another
    int watch = -1;      // -1: there was none to be had
  };

  CgroupWatch(std::string root, UniqueFd notifications);

  std::chrono::milliseconds TimeLeft(std::chrono::milliseconds longest) const;
  void ReadNotifications(Changes& changes);
  void Handle(int watch, unsigned mask, const std::string& name, Changes& changes);
  void AddTree(const std::string& path, Changes& changes);
  bool AddOne(const std::string& path, Changes& changes);
  void Remove(const std::string& path, Changes& changes);
  void LookAgain(Changes& changes);

  std::string root_;
  UniqueFd notifications_;
  std::map<std::string, Group> groups_;  // by path
  std::map<int, std::string> paths_;     // by watch
  bool rescan_ = true;                   // events were lost, or there are too few watches
  bool complete_ = true;                 // every group has its watch
  std::chrono::steady_clock::time_point looked_at_;  // at all
};

}  // namespace bpftally
