#pragma once

// Makes at least one object of every program, map and link type that this kernel supports, with all
// that the maker knows of each. The destructor removes them from the kernel and waits until their
// memory is freed.

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

  // Returns one line for each type that was refused, with the reason.
  std::string RefusedText() const;

 private:
  OwnCgroup cgroup_;
  OwnNetns netns_;
  Made made_;
};

}  // namespace bpftally
