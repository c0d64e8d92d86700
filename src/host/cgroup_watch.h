#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "host/event_waiter.h"

namespace bpftally {

// Follows the control groups below a directory as they come and go: by inotify, which needs no
// capability and works on every kernel, or, where no watch is left, by reading the tree again every
// few seconds. One thread.
class CgroupWatch {
 public:
  struct Changes {
    std::vector<std::string> added;    // whole paths, parents first
    std::vector<std::string> removed;  // with those that came again, which are in both
  };

  // The first Wait() gives all that are there, the root first.
  static Result<CgroupWatch> Make(const std::string& root);

  // Waits for a change, but not longer than that, and only until Wake(). Changes that come together
  // are given together. Where a group has no watch, the tree is read again once `longest` has
  // passed.
  Changes Wait(std::chrono::milliseconds longest);

  void Wake() const { waiter_.Wake(); }  // any thread

 private:
  struct Group {
    uint64_t inode = 0;  // its id: one that comes again under the same path has another
    int watch = -1;      // -1: there was none to be had
  };

  CgroupWatch(std::string root, UniqueFd notifications, EventWaiter waiter);

  std::chrono::milliseconds TimeLeft(std::chrono::milliseconds longest) const;
  void ReadNotifications(Changes& changes);
  void Handle(int watch, unsigned mask, const std::string& name, Changes& changes);
  void AddTree(const std::string& path, Changes& changes);
  bool AddOne(const std::string& path, Changes& changes);
  void Remove(const std::string& path, Changes& changes);
  void LookAgain(Changes& changes);

  std::string root_;
  UniqueFd notifications_;
  EventWaiter waiter_;                   // for notifications_
  std::map<std::string, Group> groups_;  // by path
  std::map<int, std::string> paths_;     // by watch
  bool rescan_ = true;                   // events were lost, or there are too few watches
  bool complete_ = true;                 // every group has its watch
  std::chrono::steady_clock::time_point looked_at_;  // at all
};

}  // namespace bpftally
