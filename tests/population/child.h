#pragma once

#include <sys/types.h>

#include <functional>

namespace bpftally {

// A process that does `work` and is ended with the object, by its id.
class Child {
 public:
  explicit Child(const std::function<void()>& work);
  ~Child() { Kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Does not wait: the end of the process, and so of what it holds, happens meanwhile.
  void Signal() const;
  // Waits.
  void Kill();

 private:
  pid_t pid_ = -1;
};

}  // namespace bpftally
