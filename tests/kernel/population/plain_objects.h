#pragma once

// Objects for tests that need few or many of no particular kind. Empty, with errno, when refused.

#include <linux/bpf.h>

#include <cstdint>

#include "base/unique_fd.h"
#include "model/snapshot.h"

namespace bpftally {

UniqueFd PlainProgram(bpf_prog_type type);  // returns 0
UniqueFd PlainMap();
UniqueFd IteratorProgram();  // over tasks, to link as often as wanted
UniqueFd IteratorLink(int program);

uint32_t IdOf(ObjectKind kind, int fd);

// True as soon as the kernel knows the id no more; false when it still does after five seconds.
bool IsGoneSoon(ObjectKind kind, uint32_t id);

}  // namespace bpftally
