#pragma once

// At least one object of every program, map and link type that can be made on this kernel, with
// what the maker knows of each. All of it is gone from the kernel with the object, memory too: its
// end waits for that.

#include <memory>

#include "population/facts.h"
#include "population/scene.h"

namespace bpftally {

class Population {
 public:
  Population();
  ~Population();
  Population(const Population&) = delete;
  Population& operator=(const Population&) = delete;

  const Made& made() const { return made_; }
  const OwnNetns& netns() const { return netns_; }

  // One line for each type that was refused, and why.
  std::string RefusedText() const;

 private:
  OwnCgroup cgroup_;
  OwnNetns netns_;
  Made made_;
};

}  // namespace bpftally
