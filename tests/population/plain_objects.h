#pragma once

// Objects for tests that need few or many of no particular kind. Empty, with errno, when refused.

#include <linux/bpf.h>

#include <chrono>
#include <cstdint>

#include "base/unique_fd.h"
#include "model/snapshot.h"

namespace bpftally {

UniqueFd PlainProgram(bpf_prog_type type);  // returns 0
UniqueFd PlainMap();
UniqueFd IteratorProgram();  // over tasks, to link as often as wanted
UniqueFd IteratorLink(int program);

uint32_t IdOf(ObjectKind kind, int fd);

// True as soon as the kernel knows the id no more; false when it still does after `patience`.
bool IsGoneSoon(ObjectKind kind, uint32_t id,
                std::chrono::seconds patience = std::chrono::seconds(5));

// Tells when programs are freed. Their ids go at once, but what they were in memory the kernel's
// workers free later, one by one: a thousand workers that wait for each other there never end
// (seen on 6.18). So nobody lets go of more than a few hundred at once, nor of the next before the
// last are freed.
class FreedWatch {
 public:
  FreedWatch() : map_(PlainMap()), id_(IdOf(ObjectKind::kMap, map_.get())) {}

  // The program keeps our map until its memory is freed.
  void Watch(int program) const;

  // Call it when all that is watched was let go of; false when some of it is still there after a
  // minute.
  bool WaitUntilFreed();

 private:
  UniqueFd map_;
  uint32_t id_;
};

}  // namespace bpftally
