#pragma once

#include <sys/types.h>

#include <functional>

namespace bpftally {

// A process that runs `work`. The destructor kills it by its id.
class Child {
 public:
  explicit Child(const std::function<void()>& work);
  ~Child() { Kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Kills without waiting: the process, and what it holds, end meanwhile.
  void Signal() const;
  // Kills and waits.
  void Kill();

 private:
  pid_t pid_ = -1;
};

}  // namespace bpftally
