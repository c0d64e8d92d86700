#pragma once

// Places of its own that the population attaches to, so that its programs never see the host's
// traffic.

#include <cstdint>
#include <functional>
#include <string>

#include "base/unique_fd.h"

namespace bpftally {

// An empty cgroup below the root of the cgroup v2 tree, removed by the destructor.
class OwnCgroup {
 public:
  OwnCgroup();
  ~OwnCgroup();
  OwnCgroup(const OwnCgroup&) = delete;
  OwnCgroup& operator=(const OwnCgroup&) = delete;

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }  // below the root, with a leading slash

 private:
  std::string path_;
  std::string directory_;
  UniqueFd fd_;
};

// A network namespace whose loopback interface has a name of its own. Its index is that of the
// host's "lo", which reveals a lookup in the wrong namespace.
class OwnNetns {
 public:
  OwnNetns();

  int fd() const { return fd_.get(); }
  uint64_t inode() const { return inode_; }
  uint32_t ifindex() const { return ifindex_; }
  static constexpr const char* kInterface = "bpftally_test0";

  // Runs `work` in a thread inside the namespace.
  void Run(const std::function<void()>& work) const;

 private:
  void Enter();

  UniqueFd fd_;
  uint64_t inode_ = 0;
  uint32_t ifindex_ = 0;
};

}  // namespace bpftally
