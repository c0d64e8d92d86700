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

// Follows the control groups below a directory as they come and go. Uses inotify, which needs no
// capability and works on every kernel; without a free watch, reads the tree again every few
// seconds. For use by one thread.
class CgroupWatch {
 public:
  struct Changes {
    std::vector<std::string> added;    // full paths, parents first
    std::vector<std::string> removed;  // a group that was made anew is in both
  };

  // Makes a watch. Its first Wait() returns all existing groups, the root first.
  static Result<CgroupWatch> Make(const std::string& root);

  // Waits for a change, but at most for `longest` or until Wake(). Returns changes that come
  // together in one result. If a group has no watch, reads the tree again once `longest` has
  // passed.
  Changes Wait(std::chrono::milliseconds longest);

  void Wake() const { waiter_.Wake(); }  // for any thread

 private:
  struct Group {
    uint64_t inode = 0;  // the id: a group made anew under the same path has another
    int watch = -1;      // -1: none was free
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
  EventWaiter waiter_;                   // waits for notifications_
  std::map<std::string, Group> groups_;  // the key is the path
  std::map<int, std::string> paths_;     // the key is the watch
  bool rescan_ = true;                   // events were lost, or there are too few watches
  bool complete_ = true;                 // every group has its watch
  std::chrono::steady_clock::time_point looked_at_;  // time of the latest full scan
};

}  // namespace bpftally
