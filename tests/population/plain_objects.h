#pragma once

// Objects for tests that need a number of them, of no particular type. Empty, with errno set, on
// failure.

#include <linux/bpf.h>

#include <chrono>
#include <cstdint>

#include "base/unique_fd.h"
#include "model/snapshot.h"

namespace bpftally {

UniqueFd PlainProgram(bpf_prog_type type);  // returns 0
UniqueFd PlainMap();
UniqueFd IteratorProgram();  // iterates over tasks; can be linked any number of times
UniqueFd IteratorLink(int program);

uint32_t IdOf(ObjectKind kind, int fd);

// Waits until the kernel has forgotten the id; false if it still exists after `patience`.
bool IsGoneSoon(ObjectKind kind, uint32_t id,
                std::chrono::seconds patience = std::chrono::seconds(5));

// Tells when programs have been freed. Their ids vanish at once, but the kernel's workers free
// their memory later, one by one. A thousand workers that wait for each other can block forever
// (seen on 6.18), so tests release only a few hundred programs at once, and the next only when
// these are freed.
class FreedWatch {
 public:
  FreedWatch() : map_(PlainMap()), id_(IdOf(ObjectKind::kMap, map_.get())) {}

  // The program keeps our map alive until its memory is freed.
  void Watch(int program) const;

  // Waits after all watched programs were released; false if one still exists after a minute.
  bool WaitUntilFreed();

 private:
  UniqueFd map_;
  uint32_t id_;
};

}  // namespace bpftally
